import { requireRole as createCheck } from '../../http/require-role.js'
import type { Middleware } from './auth-guard.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Express middleware that lets a request pass only if `req.auth.grants.roles` holds all of
 * these roles. Put it after `requireAuth`. It refuses with `insufficient_role` (403).
 *
 * @throws TypeError if no role is given, or an empty one
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRole } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.delete('/articles/:id', requireAuth(latchkey), requireRole('editor'), (req, res) => {
 *   res.json({ deleted: req.params.id })
 * })
 * ```
 */
export function requireRole(...roles: readonly string[]): Middleware {
  return middlewareOf(createCheck(...roles))
}
