import type { RequestHandler } from 'express'
import { requireRole as createCheck } from '../../http/require-role.js'
import { handlerOf } from './require-scope.js'

/**
 * Express middleware that lets a request pass only if the caller has all of these roles, by `req.auth.grants.roles`. Goes
 * behind `requireAuth`. Otherwise it answers 403 `insufficient_role`.
 *
 * @example
 * app.delete('/articles/:id', requireAuth(latchkey), requireRole('editor'), (req, res) => …)
 */
export function requireRole(...roles: readonly string[]): RequestHandler {
  return handlerOf(createCheck(...roles))
}
