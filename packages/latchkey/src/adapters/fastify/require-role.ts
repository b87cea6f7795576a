import { requireRole as createCheck } from '../../http/require-role.js'
import type { Hook } from './auth-hook.js'
import { hookOf } from './require-scope.js'

/**
 * A Fastify hook that lets a request pass only if the caller has all of these roles, by `request.auth.grants.roles`. Goes
 * behind `requireAuth`. Otherwise it fails with `insufficient_role`: 403.
 *
 * @example
 * app.delete('/articles/:id', { onRequest: [requireAuth(latchkey), requireRole('editor')] }, async (request) => …)
 */
export function requireRole(...roles: readonly string[]): Hook {
  return hookOf(createCheck(...roles))
}
