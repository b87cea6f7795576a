import type { Auth } from 'latchkey'
import { isClient } from '../../grants.js'

/**
 * The headers that identify the caller to a service. Every answer has all of them; those without a
 * value are empty. A proxy that copies them thus overwrites headers of these names that its client
 * sent.
 */
export const identityHeaderNames = [
  'X-Auth-Subject',
  'X-Auth-Session',
  'X-Auth-Client',
  'X-Auth-Scope',
  'X-Auth-Roles',
  'X-Auth-Token',
] as const

/** The values of all identity headers. */
export type IdentityHeaders = Readonly<Record<(typeof identityHeaderNames)[number], string>>

/**
 * Returns the identity headers for a verified token and its stored grants.
 *
 * @param token - The exchanged token, if the proxy asks for one.
 */
export function identityHeaders({ subject, sessionId, grants }: Auth, token = ''): IdentityHeaders {
  return {
    'X-Auth-Subject': headerText(subject),
    'X-Auth-Session': headerText(sessionId),
    'X-Auth-Client': headerText(isClient(grants) ? subject : undefined),
    'X-Auth-Scope': headerText(grants.scope),
    'X-Auth-Roles': headerText(grants.roles.join(' ')),
    'X-Auth-Token': token,
  }
}

/** Returns a claim that is valid as a header value, else the empty text. */
function headerText(claim: unknown): string {
  return typeof claim === 'string' && /^[\x20-\x7e]*$/.test(claim) ? claim : ''
}
