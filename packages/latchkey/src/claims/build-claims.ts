import { isNumericDate, registeredNames } from './check-claims.js'
import { copyJsonObject, type JsonObject } from './plain-json.js'

/** The inputs of a token's claims. */
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
  /** The only subject that the key may sign for, if the key belongs to one. */
  readonly owner: string | undefined
  /** The application's claims, as `copyClaims` returned them. */
  readonly claims: JsonObject
}

const noClaims: JsonObject = Object.freeze({})

/**
 * Returns a copy of the application's claims, which are unchanged by JSON (C10).
 *
 * @throws TypeError that names the claim if they are not a plain JSON object, or would replace one
 * of the issuer's
 */
export function copyClaims(claims: object | undefined): JsonObject {
  if (claims === undefined) return noClaims
  const copy = copyJsonObject(claims, 'claims')
  for (const name in copy) {
    if (registeredNames.has(name)) throw new TypeError(`claims.${name} is set by the issuer: choose another name.`)
  }
  return copy
}

/**
 * Returns the claims of a token in a fixed order. They pass the checks of `verify` (C10).
 *
 * @throws TypeError if the application's claims have a `client_id` other than the owner of the key
 */
export function buildClaims(input: ClaimsInput): JsonObject {
  const { claims } = input
  if (!isNumericDate(input.issuedAtSec) || !isNumericDate(input.expiresAtSec)) {
    throw new TypeError('clock.now() is not a date from 1970 to 9999: return milliseconds since 1970.')
  }
  const { client_id } = claims
  if (input.owner !== undefined && client_id !== undefined && client_id !== input.owner) {
    throw new TypeError('claims.client_id must be the subject of a tenant’s token: leave it out.')
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
