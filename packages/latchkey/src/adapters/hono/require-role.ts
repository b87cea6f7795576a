import type { MiddlewareHandler } from 'hono'
import { requireRole as createCheck } from '../../http/require-role.js'
import type { AuthVariables } from './require-auth.js'
import { handlerOf } from './require-scope.js'

/**
 * Returns Hono middleware that lets a request pass only if `c.get('auth').grants.roles` holds all
 * of these roles. Put it after `requireAuth`. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRole } from 'latchkey/hono'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Hono()
 * app.delete('/articles/:id', requireAuth(latchkey), requireRole('editor'), (c) =>
 *   c.json({ deleted: c.req.param('id') }),
 * )
 * ```
 */
export function requireRole(...roles: readonly string[]): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(...roles))
}
