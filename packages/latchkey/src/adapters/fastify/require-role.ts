import { requireRole as createCheck } from '../../http/require-role.js'
import type { Hook } from './auth-hook.js'
import { hookOf } from './require-scope.js'

/**
 * Returns a Fastify hook that lets a request pass only if `request.auth.grants.roles` holds all of
 * these roles. Put it after `requireAuth`. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRole } from 'latchkey/fastify'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * app.get(
 *   '/drafts',
 *   { onRequest: [requireAuth(latchkey), requireRole('editor')] },
 *   async (request) => ({ editor: request.auth.subject }),
 * )
 * ```
 */
export function requireRole(...roles: readonly string[]): Hook {
  return hookOf(createCheck(...roles))
}
