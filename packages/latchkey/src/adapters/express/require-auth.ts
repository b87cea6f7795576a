import type { RequestHandler } from 'express'
import type { Auth } from '../../auth.js'
import { isLatchkeyError } from '../../errors.js'
import { type TokenSources, takeToken } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey.js'
import { sendProblem } from './send-problem.js'

declare global {
  namespace Express {
    interface Request {
      /** Who the token of this request speaks for. There behind `requireAuth`, and only there. */
      auth: Auth
    }
  }
}

/**
 * Express middleware that lets a request pass only with a valid access token, and puts whom it speaks for into `req.auth`.
 *
 * A refusal is answered here, as `application/problem+json` with a `WWW-Authenticate` challenge: Express's own error handler would answer with
 * an HTML page. Errors that are no refusals go on to `next`. With `body` as a source it stands behind `express.urlencoded()`.
 *
 * @example
 * app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
 */
export function requireAuth(latchkey: Pick<Latchkey, 'verify'>, sources: TokenSources = {}): RequestHandler {
  return (req, res, next) => {
    const refuse = (error: unknown) => (isLatchkeyError(error) ? sendProblem(res, error) : next(error))
    try {
      const { method, rawHeaders, body, query } = req
      const token = takeToken({ method, rawHeaders, contentType: req.headers['content-type'], body, query }, sources)
      const auth = latchkey.verify(token)
      if (auth instanceof Promise) {
        auth.then((read) => {
          req.auth = read
          next()
        }, refuse)
        return
      }
      req.auth = auth
    } catch (error) {
      refuse(error)
      return
    }
    next()
  }
}
