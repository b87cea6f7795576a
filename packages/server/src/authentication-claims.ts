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
