import type { Middleware } from 'koa'
import { requireRole as createCheck } from '../../http/require-role.js'
import type { AuthState } from './require-auth.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Koa middleware that lets a request pass only if `ctx.state.auth.grants.roles` holds all
 * of these roles. Put it after `requireAuth`. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRole } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(requireAuth(latchkey)).use(requireRole('editor'))
 * ```
 */
export function requireRole(...roles: readonly string[]): Middleware<AuthState> {
  return middlewareOf(createCheck(...roles))
}
