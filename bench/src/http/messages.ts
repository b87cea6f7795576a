/** The frameworks that are measured with the guards of other libraries too. */
export const frameworksBesidePeers = ['express', 'fastify', 'hono'] as const
export type FrameworkBesidePeers = (typeof frameworksBesidePeers)[number]

/** All frameworks: `express` and `fastify` are their newest major versions. */
export const frameworks = [
  ...frameworksBesidePeers,
  'express4',
  'fastify4',
  'koa',
  'hapi',
  'nest',
  'node',
  'fetch',
  'trpc',
  'yoga',
] as const
export type Framework = (typeof frameworks)[number]

/** Returns whether a framework is measured with the guards of other libraries too. */
export function isBesidePeers(framework: string): framework is FrameworkBesidePeers {
  return frameworksBesidePeers.some((name) => name === framework)
}

/** The route that Latchkey guards. */
export const latchkeyRoute = 'Latchkey'

/** The route whose guard does nothing: the cost of a guard in the framework itself. */
export const emptyRoute = 'a guard that does nothing'

/** The route whose guard reads the version of the user's row. */
export const versionRoute = 'token version in PostgreSQL'

/** The route that better-auth guards. */
export const sessionRoute = 'better-auth session in PostgreSQL'

/**
 * The credentials of a request. `tenant`: tokens signed with the tenants' secrets. `jwt`: the same
 * with the type `JWT`, for guards that take no other. `versioned`: tokens of one shared secret,
 * with a version claim. `session`: a cookie that names a session.
 */
export type TokenKind = 'tenant' | 'jwt' | 'versioned' | 'session'

/** Returns the request headers that carry the token. */
export function headersWith(kind: TokenKind, token: string): Record<string, string> {
  return kind === 'session' ? { cookie: token } : { authorization: `Bearer ${token}` }
}

/** A route of the server under test. */
export interface Route {
  readonly url: string
  readonly name: string
  /** The kind of token that the route takes; `none` when it reads no token. */
  readonly takes: 'none' | TokenKind
}

/** The message that the server sends once it listens. */
export interface Ready {
  readonly kind: 'ready'
  readonly routes: readonly Route[]
  /** Tokens of each kind that its routes take. */
  readonly tokens: TokensByKind
  /** Tokens of each kind that must be refused. */
  readonly bad: TokensByKind
}

export type TokensByKind = Readonly<{ tenant: readonly string[] } & Partial<Record<TokenKind, readonly string[]>>>

/** The CPU time of the server so far. */
export interface CpuTime {
  readonly kind: 'cpu'
  readonly microseconds: number
}
