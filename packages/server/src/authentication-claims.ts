import type { Auth } from 'latchkey'
import { isClient } from './grants.js'

/**
 * Returns the claims by which other services receive when and how strongly the user of a verified
 * token authenticated: `auth_time` and `acr` (RFC 9068 §2.2.1, RFC 9470 §6). None for a client.
 */
export function claimsOfAuthentication({ authentication, grants }: Auth): Record<string, unknown> {
  if (authentication === undefined || isClient(grants)) return {}
  const { at, acr } = authentication
  return { auth_time: Math.floor(at), ...(acr === undefined ? {} : { acr }) }
}

/**
 * Returns the administrator who acts in the session of a verified token instead of its owner, by
 * the claim `act` (RFC 8693 §4.1); `undefined` if there is none.
 *
 * The claim only restricts. An attacker with the signing secret of the account could leave it out,
 * so that each change also reads the stored session (`Actors.lock`).
 */
export function impersonatorOf({ claims }: Pick<Auth, 'claims'>): string | undefined {
  const { act } = claims
  if (typeof act !== 'object' || act === null || !('sub' in act)) return undefined
  return typeof act.sub === 'string' ? act.sub : undefined
}

/** Returns the claim `act` for this administrator; no claim for `null` and `undefined`. */
export function claimOfImpersonator(impersonator: string | null | undefined): { act?: { sub: string } } {
  return typeof impersonator === 'string' ? { act: { sub: impersonator } } : {}
}
