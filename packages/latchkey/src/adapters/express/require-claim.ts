import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim as createCheck } from '../../http/require-claim.js'
import type { Middleware } from './auth-guard.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Express middleware that lets a request pass only if `req.auth.claims` holds this claim,
 * with one of these values if any are listed. Put it after `requireAuth`. It refuses with
 * `insufficient_claim` (403).
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim: use `requireRole` or
 * `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireClaim } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.get('/reports', requireAuth(latchkey), requireClaim('plan', 'pro'), (req, res) => {
 *   res.json({ reader: req.auth.subject })
 * })
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): Middleware {
  return middlewareOf(createCheck(name, ...values))
}
