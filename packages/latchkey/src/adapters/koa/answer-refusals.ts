import type { Middleware } from 'koa'
import { isLatchkeyError } from '../../errors.js'
import { problemAnswer } from '../../http/problem.js'

/**
 * Returns Koa middleware that responds to the refusals of later middleware with
 * `application/problem+json` (RFC 9457), which has the code of the failure. Koa's own error handler
 * would respond with text. A failure of the server (5xx) is also emitted as `error` of the
 * application, so that it is logged.
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { answerRefusals, requireAuth } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(answerRefusals()).use(requireAuth(latchkey))
 * ```
 */
export function answerRefusals(): Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (!isLatchkeyError(error) || ctx.headerSent) throw error
      const { status, headers, body } = problemAnswer(error)
      ctx.status = status
      ctx.set(headers)
      ctx.body = JSON.stringify(body)
      if (status >= 500) ctx.app.emit('error', error, ctx)
    }
  }
}
