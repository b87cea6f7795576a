import type { MiddlewareHandler } from 'hono'
import type { Auth } from '../../auth.js'
import { refusal } from '../../errors.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { refuse } from './refuse.js'
import type { AuthVariables } from './require-auth.js'

/**
 * Returns Hono middleware that lets a request pass only if `c.get('auth').grants.scope` holds all
 * of these scopes. Put it after `requireAuth`. It refuses with `insufficient_scope` (403), whose
 * challenge names the scopes (RFC 6750 §3).
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireScope } from 'latchkey/hono'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Hono()
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (c) =>
 *   c.json({ author: c.get('auth').subject }, 201),
 * )
 * ```
 */
export function requireScope(...scopes: readonly string[]): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(...scopes))
}

/** Returns middleware that lets a request pass if the check of its identity does not throw. */
export function handlerOf(check: (auth: Auth) => Auth): MiddlewareHandler<AuthVariables> {
  return (c, next) => {
    try {
      const auth = c.get('auth')
      // An `optional` guard has set the variable to `undefined`. Without a guard, it is not set.
      if (auth === undefined && 'auth' in c.var) throw refusal('credentials_missing')
      check(auth)
    } catch (error) {
      return refuse(error, c)
    }
    return next()
  }
}
