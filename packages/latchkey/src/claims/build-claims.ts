/** What goes into a token. */
export interface ClaimsInput {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly subject: string
  readonly tokenId: string
  readonly sessionId: string
  /** Seconds since 1970. */
  readonly issuedAtSec: number
  /** Seconds since 1970. */
  readonly expiresAtSec: number
  /** The only subject that the key may speak for, if it is bound to one. */
  readonly owner: string | undefined
  /** The caller's own claims. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

/** The registered claims of RFC 7519 §4.1 and `sid` (RFC 9068 §2.2 by way of OpenID Connect): set by the issuer alone. */
const ownNames: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'])

/**
 * The claims of a token, in a fixed order. Throws a TypeError when the caller's claims would replace one of ours, or name
 * a `client_id` that the owner of the key is not.
 */
export function buildClaims(input: ClaimsInput): Record<string, unknown> {
  for (const name in input.claims) {
    if (ownNames.has(name)) throw new TypeError(`The claim ${name} is set by the issuer; choose another name.`)
  }
  const { owner, claims: { client_id } = {} } = input
  if (owner !== undefined && client_id !== undefined && client_id !== owner) {
    throw new TypeError('The claim client_id of a tenant’s token is its subject.')
  }
  return {
    iss: input.issuer,
    sub: input.subject,
    aud: input.audience,
    exp: input.expiresAtSec,
    iat: input.issuedAtSec,
    jti: input.tokenId,
    sid: input.sessionId,
    ...input.claims,
  }
}
