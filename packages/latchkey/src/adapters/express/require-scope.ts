import type { RequestHandler } from 'express'
import { isLatchkeyError } from '../../errors.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { sendProblem } from './send-problem.js'

/**
 * Express middleware that lets a request pass only if the `scope` claim of its token holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it answers 403 `insufficient_scope`, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (req, res) => …)
 */
export function requireScope(...scopes: readonly string[]): RequestHandler {
  const check = createCheck(...scopes)
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
