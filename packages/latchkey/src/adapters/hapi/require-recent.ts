import { requireRecent as createCheck, type RecentOptions } from '../../http/require-recent.js'
import { type Check, checkOf } from './require-scope.js'

/**
 * Returns a hapi `pre` method that lets a request pass only if its user authenticated within
 * `maxAge` seconds, and with one of the classes in `acr`. It
 * refuses with `insufficient_user_authentication` (401), whose challenge names both (RFC 9470 §3).
 *
 * With `tenantSecrets` it needs the option `sessionIds` of `createLatchkey`: see
 * `Auth.authentication`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { requireRecent } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'DELETE',
 *   path: '/team',
 *   options: { auth: 'token', pre: [requireRecent({ maxAge: 300, acr: 'aal2' })] },
 *   handler: () => 'deleted',
 * })
 * ```
 */
export function requireRecent(options: RecentOptions): Check {
  return checkOf(createCheck(options))
}
