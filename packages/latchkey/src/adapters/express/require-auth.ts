import type { NextFunction, Request, Response } from 'express'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { setAuth } from '../../http/auth-of.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import type { RequiredGuardOptions } from '../../http/guard-options.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import { isPromise } from '../../maybe-promise.js'
import type { AuthGuard, Middleware, OptionalAuthGuard } from './auth-guard.js'
import type { ExpressGuardOptions } from './guard-options.js'
import { refuse } from './refuse.js'

/**
 * Returns Express middleware that lets a request pass only with a valid access token, and sets
 * `req.auth` to its identity. For Express 4 and 5.
 *
 * A refusal is passed to `next` as a LatchkeyError, with the `WWW-Authenticate` challenge already
 * set. If no error handler of the application responds, the response is `application/problem+json`.
 * With `body` as a source, put `express.urlencoded()` before the guard. Put CORS before it as well:
 * preflight requests carry no credentials.
 *
 * The types show `req.auth` only in handlers of the same route. Behind a guard for a whole router,
 * use `authOf(req)`. For claims with the types of a schema (the option `claims` of
 * `createLatchkey`), use `authOf<Claims>(req)`, or declare `req` as an `AuthenticatedRequest`.
 *
 * The client decides when a request body ends, and the token may have been revoked by then: put a
 * guard after `express.json()`, or one before it and one after it. A handler that changes rights
 * must also lock and check the acting account in its own transaction
 * (docs/explanation/consistency.md).
 *
 * @param options Further places that may carry the token, and the handling of refusals.
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
export function requireAuth(latchkey: Verifier<object>, options?: ExpressGuardOptions & RequiredGuardOptions): AuthGuard
/** With `optional`, a request without credentials passes too, and `req.auth` is `undefined`. */
export function requireAuth(latchkey: Verifier<object>, options: ExpressGuardOptions): OptionalAuthGuard
export function requireAuth(
  latchkey: Verifier<object>,
  options: ExpressGuardOptions = {},
): AuthGuard | OptionalAuthGuard {
  const guard = createGuard(latchkey, options)
  const { onRefusal } = options
  const refuseRequest = onRefusal === undefined ? refuse : refuseBy(onRefusal)
  const middleware: Middleware = (req, res, next) => {
    try {
      const auth = guard(carrierOf(req, options))
      if (isPromise(auth)) {
        auth.then(
          (read) => {
            setAuth(req, read)
            next()
          },
          (error) => refuseRequest(error, req, res, next),
        )
        return
      }
      setAuth(req, auth)
    } catch (error) {
      refuseRequest(error, req, res, next)
      return
    }
    next()
  }
  const authenticates = options.optional === true ? 'optional' : true
  return Object.assign(middleware, { authenticates }) as AuthGuard | OptionalAuthGuard
}

/**
 * Returns a function that passes refusals to `onRefusal`. Its `next` continues only with an error,
 * so that no refused request reaches the route.
 */
function refuseBy(onRefusal: NonNullable<ExpressGuardOptions['onRefusal']>): typeof refuse {
  return (error, req, res, next) => {
    if (!isLatchkeyError(error)) {
      refuse(error, req, res, next)
      return
    }
    const passOn = (passed?: unknown) => refuse(passed ?? error, req, res, next)
    call(onRefusal, error, req as Request, res as Response, passOn)
  }
}

function call(
  onRefusal: NonNullable<ExpressGuardOptions['onRefusal']>,
  ...[error, req, res, passOn]: [error: LatchkeyError, req: Request, res: Response, passOn: NextFunction]
): void {
  try {
    Promise.resolve(onRefusal(error, req, res, passOn)).catch(passOn)
  } catch (thrown) {
    passOn(thrown)
  }
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
