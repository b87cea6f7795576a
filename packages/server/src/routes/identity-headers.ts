import type { Auth } from 'latchkey'

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

/** Who a verified token speaks for. `token`: what it was exchanged for, if it was. */
export function identityHeaders({ subject, sessionId, claims }: Auth, token = ''): IdentityHeaders {
  const { client_id, scope, roles } = claims
  return {
    'X-Auth-Subject': headerText(subject),
    'X-Auth-Session': headerText(sessionId),
    'X-Auth-Client': headerText(client_id),
    'X-Auth-Scope': headerText(scope),
    'X-Auth-Roles': headerText(Array.isArray(roles) ? roles.join(' ') : undefined),
    'X-Auth-Token': token,
  }
}

/** What of a claim can stand in a header as it is; nothing of one that cannot. */
function headerText(claim: unknown): string {
  return typeof claim === 'string' && /^[\x20-\x7e]*$/.test(claim) ? claim : ''
}
