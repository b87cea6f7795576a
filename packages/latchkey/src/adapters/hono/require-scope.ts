import type { MiddlewareHandler } from 'hono'
import { isLatchkeyError } from '../../errors.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { problemResponse } from '../../http/web-request.js'
import type { AuthVariables } from './require-auth.js'

/**
 * Hono middleware that lets a request pass only if the `scope` claim of its token holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it answers 403 `insufficient_scope`, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', requireAuth(latchkey), requireScope('articles:write'), (c) => …)
 */
export function requireScope(...scopes: readonly string[]): MiddlewareHandler<AuthVariables> {
  const check = createCheck(...scopes)
  return async (c, next) => {
    try {
      check(c.get('auth'))
    } catch (error) {
      if (!isLatchkeyError(error)) throw error
      return problemResponse(error)
    }
    await next()
    return undefined
  }
}
