import type { JsonValue } from '../../claims/plain-json.js'
import { requireClaim as createCheck } from '../../http/require-claim.js'
import { type Check, checkOf } from './require-scope.js'

/**
 * Returns a hapi `pre` method that lets a request pass only if its token has this claim, with one
 * of these values if any are listed. It refuses with `insufficient_claim` (403).
 *
 * With `tenantSecrets` the holder of a tenant's secret can sign any claim: use `requireRole` or
 * `requireScope` there.
 *
 * @throws TypeError if the name is no text or is empty
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { requireClaim } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'GET',
 *   path: '/reports',
 *   options: { auth: 'token', pre: [requireClaim('plan', 'pro')] },
 *   handler: () => 'reports',
 * })
 * ```
 */
export function requireClaim(name: string, ...values: readonly JsonValue[]): Check {
  return checkOf(createCheck(name, ...values))
}
