import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Auth } from '../../auth.js'
import { isLatchkeyError } from '../../errors.js'
import { identify } from '../../http/identify.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
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
 * The sender decides when a body ends, and the token may have been revoked by then: put a guard
 * behind `express.json()`, or one before it and one behind it. A change of rights also locks and
 * checks the acting account in its own transaction (docs/consistency.md).
 *
 * @example
 * app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
 */
export function requireAuth(latchkey: Pick<Latchkey, 'verify'>, sources: TokenSources = {}): RequestHandler {
  return (req, res, next) => {
    try {
      const auth = identify(latchkey, carrierOf(req, sources), sources)
      if (auth instanceof Promise) {
        auth.then(
          (read) => {
            req.auth = read
            next()
          },
          (error) => refuse(error, res, next),
        )
        return
      }
      req.auth = auth
    } catch (error) {
      refuse(error, res, next)
      return
    }
    next()
  }
}

function refuse(error: unknown, res: Response, next: NextFunction): void {
  if (isLatchkeyError(error)) sendProblem(res, error)
  else next(error)
}

/** Express parses the query anew at each access, and searches all prototypes for a body that no parser has set: both are read only as sources. */
function carrierOf(req: Request, { body, query }: TokenSources): TokenCarrier {
  return nodeCarrier(req, { body: body === true ? req.body : undefined, query: query === true ? req.query : undefined })
}
