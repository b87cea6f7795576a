import { isNumericDate } from './check-claims.js'
import { copyJsonObject, type JsonObject } from './plain-json.js'

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
  /** The caller's own claims: a plain JSON object. */
  readonly claims: object | undefined
}

/** The registered claims of RFC 7519 §4.1 and `sid` (RFC 9068 §2.2 by way of OpenID Connect): set by the issuer alone. */
const ownNames: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'])

const noClaims: JsonObject = Object.freeze({})

/**
 * Returns the claims of a token, in a fixed order. They pass the checks of `verify`, and JSON gives them back as they
 * are (C10).
 *
 * @throws TypeError that names the claim, where the caller's claims are no plain JSON object, would replace one of
 * ours, or name a `client_id` that the owner of the key is not.
 */
export function buildClaims(input: ClaimsInput): JsonObject {
  const claims = input.claims === undefined ? noClaims : copyJsonObject(input.claims, 'claims')
  for (const name in claims) {
    if (ownNames.has(name)) throw new TypeError(`claims.${name} is set by the issuer: choose another name.`)
  }
  if (!isNumericDate(input.issuedAtSec) || !isNumericDate(input.expiresAtSec)) {
    throw new TypeError('clock gives no date from 1970 to the year 9999: now() is milliseconds since 1970.')
  }
  const { client_id } = claims
  if (input.owner !== undefined && client_id !== undefined && client_id !== input.owner) {
    throw new TypeError('claims.client_id of a tenant’s token is its subject: leave it out.')
  }
  return {
    iss: input.issuer,
    sub: input.subject,
    aud: input.audience,
    exp: input.expiresAtSec,
    iat: input.issuedAtSec,
    jti: input.tokenId,
    sid: input.sessionId,
    ...claims,
  }
}
