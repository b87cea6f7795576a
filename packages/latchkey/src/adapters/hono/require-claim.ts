import type { MiddlewareHandler } from 'hono'
import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim as createCheck } from '../../http/require-claim.js'
import type { AuthVariables } from './require-auth.js'
import { handlerOf } from './require-scope.js'

/**
 * Returns Hono middleware that lets a request pass only if `c.get('auth').claims` holds this claim,
 * with one of these values if any are listed. Put it after `requireAuth`. It refuses with
 * `insufficient_claim` (403).
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim: use `requireRole` or
 * `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireClaim } from 'latchkey/hono'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Hono()
 * app.get('/reports', requireAuth(latchkey), requireClaim('plan', 'pro'), (c) =>
 *   c.json({ reader: c.get('auth').subject }),
 * )
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(name, ...values))
}
