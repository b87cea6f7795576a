import { type LatchkeyError, refusal } from '../errors.js'
import { parseJsonObject } from '../strict-json.js'

/** The claims that only the issuer sets: those of RFC 7519 §4.1, and `sid` of OpenID Connect. */
// No interface: TypeScript lets no interface be `UntypedClaims`, and `Auth<C>` must be an `Auth`.
export type RegisteredClaims = {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  /** Seconds since 1970, possibly with a fraction (NumericDate, RFC 7519 §2). */
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly nbf?: number
  readonly sid?: string
}

/** The application's claims where no schema has checked them. */
export interface UntypedClaims {
  readonly [name: string]: unknown
}

/**
 * The claims of an access token whose signature was verified: the registered ones, and those of the
 * application.
 */
export type Claims<C extends object = UntypedClaims> = RegisteredClaims & Readonly<C>

/** The names of `RegisteredClaims`. */
export const registeredNames: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid'])

/** The values that a verifier requires. */
export interface ExpectedClaims {
  readonly issuer: string
  /** The token's `aud` must contain one of these. */
  readonly audiences: readonly string[]
  /** Seconds since 1970. */
  readonly nowSec: number
  readonly toleranceSec: number
  /** The longest accepted `exp` − `iat`. */
  readonly maxTtlSec: number
}

/** The end of the year 9999. A later date is a mistake, such as milliseconds for seconds. */
const maxNumericDate = 253_402_300_799

/**
 * Parses the payload of a token whose signature was verified.
 *
 * @throws LatchkeyError `token_malformed` if the payload is not a JSON object in UTF-8;
 * `claim_missing` without `iss`, `sub`, `aud`, `exp`, `iat` or `jti`; `claim_invalid` if a
 * registered claim has the wrong type or range (RFC 7519 §4.1), such as the date `1e999`
 */
export function parseClaims(payload: Buffer): Claims {
  const claims = parseJsonObject(payload)
  if (claims === undefined) throw refusal('token_malformed')
  return checkTypes(claims)
}

/**
 * Returns the same object if its registered claims have their types and ranges.
 *
 * @throws LatchkeyError `claim_missing`, `claim_invalid`; see `parseClaims`
 */
export function checkTypes(claims: Readonly<Record<string, unknown>>): Claims {
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
 * Checks issuer, audience and times. A token that passes expires within `maxTtlSec` + tolerance.
 *
 * @throws LatchkeyError `issuer_mismatch`; `audience_mismatch`; `token_expired` from `exp` +
 * tolerance on (RFC 7519 §4.1.4); `token_not_yet_valid` before `nbf` − tolerance or `iat` −
 * tolerance; `claim_invalid` for a lifetime that is not positive or longer than `maxTtlSec`
 */
export function checkClaims(claims: Claims, expected: ExpectedClaims): void {
  if (claims.iss !== expected.issuer) throw refusal('issuer_mismatch')
  if (!isMeantFor(claims.aud, expected.audiences)) throw refusal('audience_mismatch')
  checkTimes(claims, expected)
  const ttlSec = claims.exp - claims.iat
  if (!(ttlSec > 0 && ttlSec <= expected.maxTtlSec)) throw refusal('claim_invalid', { detail: 'exp' })
}

/**
 * Checks that the token is valid now.
 *
 * @throws LatchkeyError `token_expired`, `token_not_yet_valid`; see `checkClaims`
 */
export function checkTimes(
  { exp, iat, nbf }: RegisteredClaims,
  { nowSec, toleranceSec }: Pick<ExpectedClaims, 'nowSec' | 'toleranceSec'>,
): void {
  if (!(nowSec < exp + toleranceSec)) throw refusal('token_expired')
  const validFrom = Math.max(iat, nbf ?? 0)
  if (!(nowSec >= validFrom - toleranceSec)) throw refusal('token_not_yet_valid')
}

/**
 * Checks that `sub` and `client_id` (RFC 8693 §4.3) are the owner of the secret.
 *
 * @throws LatchkeyError `subject_mismatch`
 */
export function checkOwner({ sub, client_id }: Claims, owner: string): void {
  if (sub !== owner) throw refusal('subject_mismatch')
  if (client_id !== undefined && client_id !== owner) throw refusal('subject_mismatch')
}

/** Returns the time, in milliseconds since 1970, from which the token is expired. */
export function endsAtMs(expiresAtSec: number, toleranceSec: number): number {
  return (expiresAtSec + toleranceSec) * 1000
}

function wrong(claim: string, value: unknown): LatchkeyError {
  return refusal(value === undefined ? 'claim_missing' : 'claim_invalid', { detail: claim })
}

/** Returns whether this is a string that is not empty, as `iss`, `sub`, `jti` and `sid` must be. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Returns whether this is a date from 1970 to 9999 in seconds. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= maxNumericDate
}

/** Returns whether this is what `aud` must be: a string that is not empty, or a list of them. */
export function isAudience(value: unknown): value is string | readonly string[] {
  return Array.isArray(value) ? value.length > 0 && value.every(isText) : isText(value)
}

function isMeantFor(aud: string | readonly string[], audiences: readonly string[]): boolean {
  return typeof aud === 'string' ? audiences.includes(aud) : aud.some((audience) => audiences.includes(audience))
}
