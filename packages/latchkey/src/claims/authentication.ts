import { type Claims, isNumericDate } from './check-claims.js'
import type { MintedSession } from './session-ids.js'

/** The last authentication of the subject of a token: when, and how strong. */
export interface Authentication {
  /** Seconds since 1970, possibly with a fraction. */
  readonly at: number
  /**
   * The authentication context class (`acr`, OpenID Connect Core §2), such as `aal1` or `aal2`;
   * `undefined` if the issuer does not state it.
   */
  readonly acr: string | undefined
}

/** The levels of NIST SP 800-63B-4, the weakest first. Other classes have no order. */
const levels = ['aal1', 'aal2', 'aal3']

/**
 * Returns the authentication that a token of a trusted signer states by its claims `auth_time` and
 * `acr` (RFC 9068 §2.2.1), or else by its session ID.
 */
export function statedAuthentication(claims: Claims, minted: MintedSession | undefined): Authentication | undefined {
  const { auth_time: at, acr } = claims
  if (at === undefined) return minted === undefined ? undefined : narrowAuthentication(claims, minted)
  if (!isNumericDate(at)) return undefined
  return Object.freeze({ at, acr: typeof acr === 'string' ? acr : undefined })
}

/**
 * Returns the authentication that an authentic session ID states. The holder of a tenant's secret
 * can sign any claim, so that `auth_time` and `acr` can only make it older and weaker (C1).
 */
export function narrowAuthentication(
  { auth_time: claimedAt, acr }: Claims,
  { mintedAtMs, level }: MintedSession,
): Authentication | undefined {
  const at = mintedAtMs / 1000
  if (claimedAt !== undefined && !isNumericDate(claimedAt)) return undefined
  return Object.freeze({
    at: claimedAt === undefined ? at : Math.min(at, claimedAt),
    acr: acr === undefined || acr === level ? level : 'aal1',
  })
}

/** Returns whether an authentication context class is the required one, or a stronger level. */
export function isOfClass(acr: string | undefined, required: string): boolean {
  if (acr === undefined) return false
  if (acr === required) return true
  const level = levels.indexOf(required)
  return level >= 0 && levels.indexOf(acr) > level
}
