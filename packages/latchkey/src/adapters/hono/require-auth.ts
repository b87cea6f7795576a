import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Auth } from '../../auth.js'
import { isLatchkeyError } from '../../errors.js'
import { identify } from '../../http/identify.js'
import type { TokenSources } from '../../http/take-token.js'
import { problemResponse, webCarrier } from '../../http/web-request.js'
import type { Latchkey } from '../../latchkey.js'
import type { MaybePromise } from '../../maybe-promise.js'

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
 * A refusal is answered here, as `application/problem+json` with a `WWW-Authenticate` challenge. Errors that are no refusals are thrown on. The
 * credentials are those of `c.req.raw`, which an earlier middleware may have replaced.
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
  // No `async` and no `await` where there is nothing to wait for: they cost more than a known token.
  return (c, next) => {
    try {
      const pending = identifyCaller(latchkey, c, sources)
      if (pending instanceof Promise) return pending.then((auth) => pass(c, auth, next), refuse)
      return pass(c, pending, next)
    } catch (error) {
      return refuse(error)
    }
  }
}

function pass(c: Context<AuthVariables>, auth: Auth, next: Next): Promise<void> {
  c.set('auth', auth)
  return next()
}

async function refuse(error: unknown): Promise<Response> {
  if (!isLatchkeyError(error)) throw error
  return problemResponse(error)
}

function identifyCaller(latchkey: Pick<Latchkey, 'verify'>, c: Context, sources: TokenSources): MaybePromise<Auth> {
  if (sources.body !== true) return identify(latchkey, webCarrier(c.req.raw, undefined), sources)
  return readBody(c).then((body) => identify(latchkey, webCarrier(c.req.raw, body), sources))
}

/** As Hono parses it, and keeps it for the handler; a body that is no form carries nothing. */
async function readBody(c: Context): Promise<unknown> {
  return c.req.parseBody({ all: true }).catch(() => undefined)
}
