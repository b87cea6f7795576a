import type { Auth } from '../../auth.js'
import { authOf } from '../../http/auth-of.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import type { Middleware } from './auth-guard.js'
import { refuse } from './refuse.js'

/**
 * Express middleware that lets a request pass only if `req.auth.grants.scope` holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it refuses with 403 `insufficient_scope`, as `requireAuth` does, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (req, res) => …)
 */
export function requireScope(...scopes: readonly string[]): Middleware {
  return middlewareOf(createCheck(...scopes))
}

/** Middleware that lets a request pass whose identity passes the check. */
export function middlewareOf(check: (auth: Auth) => Auth): Middleware {
  return (req, res, next) => {
    try {
      check(authOf(req))
    } catch (error) {
      refuse(error, req, res, next)
      return
    }
    next()
  }
}
