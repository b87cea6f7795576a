import { requireRole as createCheck } from '../../http/require-role.js'
import type { Middleware } from './auth-guard.js'
import { middlewareOf } from './require-scope.js'

/**
 * Express middleware that lets a request pass only if the caller has all of these roles, by `req.auth.grants.roles`. Goes
 * behind `requireAuth`. Otherwise it refuses with 403 `insufficient_role`, as `requireAuth` does.
 *
 * @example
 * app.delete('/articles/:id', requireAuth(latchkey), requireRole('editor'), (req, res) => …)
 */
export function requireRole(...roles: readonly string[]): Middleware {
  return middlewareOf(createCheck(...roles))
}
