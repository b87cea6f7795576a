import { requireRecent as createCheck, type RecentOptions } from '../../http/require-recent.js'
import type { Middleware } from './auth-guard.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Express middleware that lets a request pass only if its user authenticated within
 * `maxAge` seconds, and with one of the classes in `acr`. Put it after `requireAuth`. It refuses
 * with `insufficient_user_authentication` (401), whose challenge names both (RFC 9470 §3).
 *
 * With `tenantSecrets` it needs the option `sessionIds` of `createLatchkey`: see
 * `Auth.authentication`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRecent } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * const recent = requireRecent({ maxAge: 300, acr: 'aal2' })
 * app.delete('/team', requireAuth(latchkey), recent, (req, res) => {
 *   res.json({ deletedBy: req.auth.subject })
 * })
 * ```
 */
export function requireRecent(options: RecentOptions): Middleware {
  return middlewareOf(createCheck(options))
}
