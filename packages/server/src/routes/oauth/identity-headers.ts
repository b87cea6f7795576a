import type { Auth } from 'latchkey'
import { isClient } from '../../grants.js'

/**
 * The headers that tell a service who asks. All of them are in every answer, empty where there is nothing to say: a proxy that copies them then replaces whatever
 * its client has sent under these names.
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

/** Who a verified token speaks for, and what the stored grants allow. `token`: what it was exchanged for, if it was. */
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

/** What of a claim can stand in a header as it is; nothing of one that cannot. */
function headerText(claim: unknown): string {
  return typeof claim === 'string' && /^[\x20-\x7e]*$/.test(claim) ? claim : ''
}
