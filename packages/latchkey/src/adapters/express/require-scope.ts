import type { Auth } from '../../auth.js'
import { authOf } from '../../http/auth-of.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import type { Middleware } from './auth-guard.js'
import { refuse } from './refuse.js'

/**
 * Returns Express middleware that lets a request pass only if `req.auth.grants.scope` holds all of
 * these scopes. Put it after `requireAuth`. It refuses with `insufficient_scope` (403), whose
 * challenge names the scopes (RFC 6750 §3).
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireScope } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (req, res) => {
 *   res.status(201).json({ author: req.auth.subject })
 * })
 * ```
 */
export function requireScope(...scopes: readonly string[]): Middleware {
  return middlewareOf(createCheck(...scopes))
}

/** Returns middleware that lets a request pass if the check of its identity does not throw. */
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
