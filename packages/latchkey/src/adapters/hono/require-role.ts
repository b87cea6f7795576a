import type { MiddlewareHandler } from 'hono'
import { requireRole as createCheck } from '../../http/require-role.js'
import type { AuthVariables } from './require-auth.js'
import { handlerOf } from './require-scope.js'

/**
 * Hono middleware that lets a request pass only if the caller has all of these roles, by `c.get('auth').grants.roles`.
 * Goes behind `requireAuth`. Otherwise it refuses with 403 `insufficient_role`, as `requireAuth` does.
 *
 * @example
 * app.delete('/articles/:id', requireAuth(latchkey), requireRole('editor'), (c) => …)
 */
export function requireRole(...roles: readonly string[]): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(...roles))
}
