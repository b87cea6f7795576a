import type { MiddlewareHandler } from 'hono'
import { requireRecent as createCheck, type RecentOptions } from '../../http/require-recent.js'
import type { AuthVariables } from './require-auth.js'
import { handlerOf } from './require-scope.js'

/**
 * Returns Hono middleware that lets a request pass only if its user authenticated within `maxAge`
 * seconds, and with one of the classes in `acr`. Put it after `requireAuth`. It
 * refuses with `insufficient_user_authentication` (401), whose challenge names both (RFC 9470 §3).
 *
 * With `tenantSecrets` it needs the option `sessionIds` of `createLatchkey`: see
 * `Auth.authentication`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRecent } from 'latchkey/hono'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Hono()
 * app.delete('/team', requireAuth(latchkey), requireRecent({ maxAge: 300, acr: 'aal2' }), (c) =>
 *   c.json({ deletedBy: c.get('auth').subject }),
 * )
 * ```
 */
export function requireRecent(options: RecentOptions): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(options))
}
