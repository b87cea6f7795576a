import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Auth } from '../../auth.js'
import { checkGuard, identify } from '../../http/identify.js'
import type { TokenSources } from '../../http/take-token.js'
import { webCarrier } from '../../http/web-request.js'
import type { Latchkey } from '../../latchkey.js'
import type { MaybePromise } from '../../maybe-promise.js'
import { refuse } from './refuse.js'

/** What a handler behind `requireAuth` finds with `c.get('auth')`. */
export interface AuthVariables {
  readonly Variables: {
    /** Who the token of this request speaks for. */
    readonly auth: Auth
  }
}

/**
 * Hono middleware that lets a request pass only with a valid access token, and sets whom it speaks for as `auth`.
 *
 * A refusal is a LatchkeyError that is thrown: `onError` of the application sees it, with the `WWW-Authenticate` challenge already set. Hono's own
 * handler answers `application/problem+json`; in yours, `error.getResponse()` is that answer, as of an HTTPException. The credentials are those of
 * `c.req.raw`, which an earlier middleware may have replaced. CORS goes before it: preflight requests carry no credentials.
 *
 * The guard runs before the handler reads the body, and the sender decides when that ends: a
 * handler that changes rights locks and checks the acting account in its own transaction
 * (docs/consistency.md).
 *
 * @example
 * app.get('/me', requireAuth(latchkey), (c) => c.json({ id: c.get('auth').subject }))
 */
export function requireAuth(
  latchkey: Pick<Latchkey, 'verify'>,
  sources: TokenSources = {},
): MiddlewareHandler<AuthVariables> {
  checkGuard(latchkey, sources)
  // No `async` and no `await` where there is nothing to wait for: they cost more than a known token.
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

/** As Hono parses it, and keeps it for the handler; a body that is no form carries nothing. */
async function readBody(c: Context): Promise<unknown> {
  return c.req.parseBody({ all: true }).catch(() => undefined)
}
