import type { Request } from 'express'
import { setAuth } from '../../http/auth-of.js'
import { checkGuard, identify } from '../../http/identify.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey.js'
import type { AuthGuard, Middleware } from './auth-guard.js'
import { refuse } from './refuse.js'

/**
 * Express middleware that lets a request pass only with a valid access token, and puts whom it speaks for into `req.auth`.
 *
 * A refusal is a LatchkeyError that is passed on to `next`: the error handlers of the application see it, with the
 * `WWW-Authenticate` challenge already set. Where none answers, the answer is `application/problem+json`. With `body`
 * as a source it stands behind `express.urlencoded()`. CORS goes before it: preflight requests carry no credentials.
 *
 * The types have `req.auth` in the handlers of the same route alone. Behind a guard for a whole router, use `authOf(req)`.
 *
 * The sender decides when a body ends, and the token may have been revoked by then: put a guard
 * behind `express.json()`, or one before it and one behind it. A change of rights also locks and
 * checks the acting account in its own transaction (docs/consistency.md).
 *
 * @example
 * app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
 */
export function requireAuth(latchkey: Pick<Latchkey, 'verify'>, sources: TokenSources = {}): AuthGuard {
  checkGuard(latchkey, sources)
  const middleware: Middleware = (req, res, next) => {
    try {
      const auth = identify(latchkey, carrierOf(req, sources), sources)
      if (auth instanceof Promise) {
        auth.then(
          (read) => {
            setAuth(req, read)
            next()
          },
          (error) => refuse(error, req, res, next),
        )
        return
      }
      setAuth(req, auth)
    } catch (error) {
      refuse(error, req, res, next)
      return
    }
    next()
  }
  return Object.assign(middleware, { authenticates: true } as const)
}

/** Express parses the query anew at each access, and searches all prototypes for a body that no parser has set: both are read only as sources. */
function carrierOf(req: NodeRequest, sources: TokenSources): TokenCarrier {
  const parsed = req as Partial<Pick<Request, 'body' | 'query'>>
  const body: unknown = sources.body === true ? parsed.body : undefined
  const query = sources.query === true ? parsed.query : undefined
  return nodeCarrier(req, { body, query }, sources)
}
