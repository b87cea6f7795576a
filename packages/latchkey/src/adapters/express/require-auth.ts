import type { Request } from 'express'
import { setAuth } from '../../http/auth-of.js'
import { checkGuard, identify } from '../../http/identify.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { AuthGuard, Middleware } from './auth-guard.js'
import { refuse } from './refuse.js'

/**
 * Returns Express middleware that lets a request pass only with a valid access token, and sets
 * `req.auth` to its identity.
 *
 * A refusal is passed to `next` as a LatchkeyError, with the `WWW-Authenticate` challenge already
 * set. If no error handler of the application responds, the response is `application/problem+json`.
 * With `body` as a source, put `express.urlencoded()` before the guard. Put CORS before it as well:
 * preflight requests carry no credentials.
 *
 * The types show `req.auth` only in handlers of the same route. Behind a guard for a whole router,
 * use `authOf(req)`.
 *
 * The client decides when a request body ends, and the token may have been revoked by then: put a
 * guard after `express.json()`, or one before it and one after it. A handler that changes rights
 * must also lock and check the acting account in its own transaction
 * (docs/explanation/consistency.md).
 *
 * @param sources Further places that may carry the token.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import express from 'express'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/express'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = express()
 * app.get('/me', requireAuth(latchkey), (req, res) => res.json({ id: req.auth.subject }))
 * ```
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

/**
 * Reads body and query only if they are sources: Express parses the query at each access, and
 * searches all prototypes for a body that no parser has set.
 */
function carrierOf(req: NodeRequest, sources: TokenSources): TokenCarrier {
  const parsed = req as Partial<Pick<Request, 'body' | 'query'>>
  const body: unknown = sources.body === true ? parsed.body : undefined
  const query = sources.query === true ? parsed.query : undefined
  return nodeCarrier(req, { body, query }, sources)
}
