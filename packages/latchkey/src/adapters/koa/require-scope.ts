import type { Middleware } from 'koa'
import type { Auth } from '../../auth.js'
import { authOf } from '../../http/auth-of.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { refuse } from './refuse.js'
import type { AuthState } from './require-auth.js'

/**
 * Returns Koa middleware that lets a request pass only if `ctx.state.auth.grants.scope` holds all
 * of these scopes. Put it after `requireAuth`. It refuses with `insufficient_scope` (403), whose
 * challenge names the scopes (RFC 6750 §3).
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireScope } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(requireAuth(latchkey)).use(requireScope('articles:write'))
 * ```
 */
export function requireScope(...scopes: readonly string[]): Middleware<AuthState> {
  return middlewareOf(createCheck(...scopes))
}

/** Returns middleware that lets a request pass if the check of its identity does not throw. */
export function middlewareOf(check: (auth: Auth) => Auth): Middleware<AuthState> {
  return async (ctx, next) => {
    try {
      check(authOf(ctx.state))
    } catch (error) {
      return refuse(error, ctx)
    }
    return next()
  }
}
