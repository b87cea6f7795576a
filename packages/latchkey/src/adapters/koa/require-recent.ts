import type { Middleware } from 'koa'
import { requireRecent as createCheck, type RecentOptions } from '../../http/require-recent.js'
import type { AuthState } from './require-auth.js'
import { middlewareOf } from './require-scope.js'

/**
 * Returns Koa middleware that lets a request pass only if its user authenticated within `maxAge`
 * seconds, and with one of the classes in `acr`. Put it after `requireAuth`. It
 * refuses with `insufficient_user_authentication` (401), whose challenge names both (RFC 9470 §3).
 *
 * With `tenantSecrets` it needs the option `sessionIds` of `createLatchkey`: see
 * `Auth.authentication`.
 *
 * @throws TypeError if `maxAge` is no whole number in its range, or `acr` no list of classes
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireRecent } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(requireAuth(latchkey)).use(requireRecent({ maxAge: 300, acr: 'aal2' }))
 * ```
 */
export function requireRecent(options: RecentOptions): Middleware<AuthState> {
  return middlewareOf(createCheck(options))
}
