import type { Middleware } from 'koa'
import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim as createCheck } from '../../http/require-claim.js'
import type { AuthState } from './require-auth.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Koa middleware that lets a request pass only if `ctx.state.auth.claims` holds this claim,
 * with one of these values if any are listed. Put it after `requireAuth`. It refuses with
 * `insufficient_claim` (403).
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim: use `requireRole` or
 * `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireClaim } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(requireAuth(latchkey)).use(requireClaim('plan', 'pro'))
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): Middleware<AuthState> {
  return middlewareOf(createCheck(name, ...values))
}
