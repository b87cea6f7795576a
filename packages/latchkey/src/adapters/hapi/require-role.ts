import { requireRole as createCheck } from '../../http/require-role.js'
import { type Check, checkOf } from './require-scope.js'

/**
 * Returns a hapi `pre` method that lets a request pass only if the stored grants hold all of these
 * roles. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { requireRole } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'DELETE',
 *   path: '/articles/{id}',
 *   options: { auth: 'token', pre: [requireRole('editor')] },
 *   handler: () => 'deleted',
 * })
 * ```
 */
export function requireRole(...roles: readonly string[]): Check {
  return checkOf(createCheck(...roles))
}
