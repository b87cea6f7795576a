import type { MiddlewareHandler } from 'hono'
import type { Auth } from '../../auth.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { refuse } from './refuse.js'
import type { AuthVariables } from './require-auth.js'

/**
 * Hono middleware that lets a request pass only if `c.get('auth').grants.scope` holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it refuses with 403 `insufficient_scope`, as `requireAuth` does, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (c) => …)
 */
export function requireScope(...scopes: readonly string[]): MiddlewareHandler<AuthVariables> {
  return handlerOf(createCheck(...scopes))
}

/** Middleware that lets a request pass whose identity passes the check. */
export function handlerOf(check: (auth: Auth) => Auth): MiddlewareHandler<AuthVariables> {
  return (c, next) => {
    try {
      check(c.get('auth'))
    } catch (error) {
      return refuse(error, c)
    }
    return next()
  }
}
