import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Auth } from '../../auth.js'
import { checkGuard, identify } from '../../http/identify.js'
import type { TokenSources } from '../../http/take-token.js'
import { webCarrier } from '../../http/web-request.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { MaybePromise } from '../../maybe-promise.js'
import { refuse } from './refuse.js'

/** The variables that `requireAuth` sets: `c.get('auth')`. */
export interface AuthVariables {
  readonly Variables: {
    /** The identity that the token of this request proves. */
    readonly auth: Auth
  }
}

/**
 * Returns Hono middleware that lets a request pass only with a valid access token, and sets the
 * variable `auth` to its identity.
 *
 * A refusal is thrown to `onError` of the application as a LatchkeyError, with the
 * `WWW-Authenticate` challenge already set. Hono's own error handler responds with
 * `application/problem+json`. In your own handler, `error.getResponse()` returns that response, as
 * it does for an HTTPException. The credentials are those of `c.req.raw`, which earlier middleware
 * may have replaced. Put CORS before it: preflight requests carry no credentials.
 *
 * The guard runs before the handler reads the body, and the client decides when the body ends. A
 * handler that changes rights must lock and check the acting account in its own transaction
 * (docs/explanation/consistency.md).
 *
 * @param sources Further places that may carry the token.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/hono'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Hono()
 * app.get('/me', requireAuth(latchkey), (c) => c.json({ id: c.get('auth').subject }))
 * ```
 */
export function requireAuth(
  latchkey: Pick<Latchkey, 'verify'>,
  sources: TokenSources = {},
): MiddlewareHandler<AuthVariables> {
  checkGuard(latchkey, sources)
  // No `async` and `await` on the synchronous path: they cost more than verifying a known token.
  return (c, next) => {
    try {
      const pending = identifyCaller(latchkey, c, sources)
      if (!(pending instanceof Promise)) return pass(c, pending, next)
      return pending.then(
        (auth) => pass(c, auth, next),
        (error) => refuse(error, c),
      )
    } catch (error) {
      return refuse(error, c)
    }
  }
}

function pass(c: Context<AuthVariables>, auth: Auth, next: Next): Promise<void> {
  c.set('auth', auth)
  return next()
}

function identifyCaller(latchkey: Pick<Latchkey, 'verify'>, c: Context, sources: TokenSources): MaybePromise<Auth> {
  if (sources.body !== true) return identify(latchkey, webCarrier(c.req.raw, undefined, sources), sources)
  return readBody(c).then((body) => identify(latchkey, webCarrier(c.req.raw, body, sources), sources))
}

/**
 * Reads the body through Hono, which keeps the parsed form for the handler. A body that is no form
 * carries no token.
 */
async function readBody(c: Context): Promise<unknown> {
  return c.req.parseBody({ all: true }).catch(() => undefined)
}
