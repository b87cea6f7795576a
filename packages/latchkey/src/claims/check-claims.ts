import { type LatchkeyError, refusal } from '../errors.js'
import { parseJsonObject } from '../strict-json.js'

/** The claims of an access token whose signature held. */
export interface Claims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  /** Seconds since 1970, perhaps with a fraction, like every NumericDate. */
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly nbf?: number
  readonly sid?: string
  readonly [name: string]: unknown
}

/** What a verifier wants of claims. */
export interface ExpectedClaims {
  readonly issuer: string
  /** One of these must be among the token's. */
  readonly audiences: readonly string[]
  /** Seconds since 1970. */
  readonly nowSec: number
  readonly toleranceSec: number
  /** Longest accepted `exp` − `iat`. */
  readonly maxTtlSec: number
}

/** The year 9999: a later date is a mistake, such as milliseconds for seconds. */
const maxNumericDate = 253_402_300_799

/**
 * Reads the payload of a token whose signature held. Throws `token_malformed` when it is no JSON object in UTF-8, `claim_missing` when one of iss, sub, aud, exp, iat
 * and jti is not there, and `claim_invalid` when a registered claim has the wrong type or range (RFC 7519 §4.1). `1e999` is no date.
 */
export function parseClaims(payload: Buffer): Claims {
  const claims = parseJsonObject(payload)
  if (claims === undefined) throw refusal('token_malformed')
  const { iss, sub, aud, exp, iat, jti, nbf, sid } = claims
  if (!isText(iss)) throw wrong('iss', iss)
  if (!isText(sub)) throw wrong('sub', sub)
  if (!isAudience(aud)) throw wrong('aud', aud)
  if (!isNumericDate(exp)) throw wrong('exp', exp)
  if (!isNumericDate(iat)) throw wrong('iat', iat)
  if (!isText(jti)) throw wrong('jti', jti)
  if (nbf !== undefined && !isNumericDate(nbf)) throw wrong('nbf', nbf)
  if (sid !== undefined && !isText(sid)) throw wrong('sid', sid)
  return claims as Claims
}

/**
 * Throws `issuer_mismatch`, `audience_mismatch`, `token_expired` from `exp` + tolerance on (RFC 7519 §4.1.4), `token_not_yet_valid` before
 * `nbf` − tolerance or when the token was issued in the future, and `claim_invalid` for a lifetime that is not positive or
 * longer than `maxTtlSec`. A token that passes therefore expires within `maxTtlSec` + tolerance from now.
 */
export function checkClaims(claims: Claims, expected: ExpectedClaims): void {
  const { nowSec, toleranceSec } = expected
  if (claims.iss !== expected.issuer) throw refusal('issuer_mismatch')
  if (!isMeantFor(claims.aud, expected.audiences)) throw refusal('audience_mismatch')
  if (!(nowSec < claims.exp + toleranceSec)) throw refusal('token_expired')
  const validFrom = Math.max(claims.iat, claims.nbf ?? 0)
  if (!(nowSec >= validFrom - toleranceSec)) throw refusal('token_not_yet_valid')
  const ttlSec = claims.exp - claims.iat
  if (!(ttlSec > 0 && ttlSec <= expected.maxTtlSec)) throw refusal('claim_invalid', { detail: 'exp' })
}

/**
 * Throws `subject_mismatch` when a token speaks for another subject than the owner of its secret, be it by `sub` or by
 * `client_id` (RFC 8693 §4.3).
 */
export function checkOwner({ sub, client_id }: Claims, owner: string): void {
  if (sub !== owner) throw refusal('subject_mismatch')
  if (client_id !== undefined && client_id !== owner) throw refusal('subject_mismatch')
}

/** Milliseconds since 1970 from which a token that expires at `expiresAtSec` is refused. */
export function endsAtMs(expiresAtSec: number, toleranceSec: number): number {
  return (expiresAtSec + toleranceSec) * 1000
}

function wrong(claim: string, value: unknown): LatchkeyError {
  return refusal(value === undefined ? 'claim_missing' : 'claim_invalid', { detail: claim })
}

/** Returns whether this is text that is not empty, as `iss`, `sub`, `jti` and `sid` have to be. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** Returns whether this is a date from 1970 to the year 9999, in seconds. */
export function isNumericDate(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= maxNumericDate
}

function isAudience(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isText) : isText(value)
}

function isMeantFor(aud: string | readonly string[], audiences: readonly string[]): boolean {
  return typeof aud === 'string' ? audiences.includes(aud) : aud.some((audience) => audiences.includes(audience))
}
