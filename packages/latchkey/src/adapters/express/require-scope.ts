import type { RequestHandler } from 'express'
import type { Auth } from '../../auth.js'
import { isLatchkeyError } from '../../errors.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { sendProblem } from './send-problem.js'

/**
 * Express middleware that lets a request pass only if `req.auth.grants.scope` holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it answers 403 `insufficient_scope`, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (req, res) => …)
 */
export function requireScope(...scopes: readonly string[]): RequestHandler {
  return handlerOf(createCheck(...scopes))
}

/** Middleware that lets a request pass whose identity passes the check. */
export function handlerOf(check: (auth: Auth) => Auth): RequestHandler {
  return (req, res, next) => {
    try {
      check(req.auth)
    } catch (error) {
      if (isLatchkeyError(error)) sendProblem(res, error)
      else next(error)
      return
    }
    next()
  }
}
