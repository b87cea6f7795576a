/** The frameworks that are measured. */
export const frameworks = ['express', 'fastify', 'hono'] as const
export type Framework = (typeof frameworks)[number]

/** The route whose guard does nothing: what the framework itself takes to have one. */
export const emptyRoute = 'a guard that does nothing'

/** The route whose guard reads the version of the user's row. */
export const versionRoute = 'token version in PostgreSQL'

/** The route whose guard is better-auth's. */
export const sessionRoute = 'better-auth session in PostgreSQL'

/**
 * What a request carries. `tenant`: the tenants' own tokens. `jwt`: the same with the type `JWT`, for what takes no other. `versioned`: tokens of one secret for
 * all, with a version in them. `session`: a cookie that names a session.
 */
export type TokenKind = 'tenant' | 'jwt' | 'versioned' | 'session'

/** The headers that a request carries it in. */
export function headersWith(kind: TokenKind, token: string): Record<string, string> {
  return kind === 'session' ? { cookie: token } : { authorization: `Bearer ${token}` }
}

/** A route of the server under test. */
export interface Route {
  readonly url: string
  readonly name: string
  /** Which tokens it takes; `none`: it looks at none. */
  readonly takes: 'none' | TokenKind
}

/** What the server says once it is up. */
export interface Ready {
  readonly kind: 'ready'
  readonly routes: readonly Route[]
  readonly tokens: Readonly<Record<TokenKind, readonly string[]>>
  /** For each kind of token: some that must be refused. */
  readonly bad: Readonly<Record<TokenKind, readonly string[]>>
}

/** The server's CPU time so far. */
export interface CpuTime {
  readonly kind: 'cpu'
  readonly microseconds: number
}
