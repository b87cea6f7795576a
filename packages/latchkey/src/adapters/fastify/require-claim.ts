import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim as createCheck } from '../../http/require-claim.js'
import type { Hook } from './auth-hook.js'
import { hookOf } from './require-scope.js'

/**
 * Returns a Fastify hook that lets a request pass only if `request.auth.claims` holds this claim,
 * with one of these values if any are listed. Put it after `requireAuth`. It refuses with
 * `insufficient_claim` (403).
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim: use `requireRole` or
 * `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireClaim } from 'latchkey/fastify'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * app.get(
 *   '/reports',
 *   { onRequest: [requireAuth(latchkey), requireClaim('plan', 'pro')] },
 *   async (request) => ({ reader: request.auth.subject }),
 * )
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): Hook {
  return hookOf(createCheck(name, ...values))
}
