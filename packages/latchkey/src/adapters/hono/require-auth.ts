import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError, type LatchkeyError } from '../../errors.js'
import { createGuard, type Guard, type Verifier } from '../../http/guard.js'
import type { RequiredGuardOptions } from '../../http/guard-options.js'
import { webCarrier } from '../../http/web-request.js'
import { isPromise, type MaybePromise } from '../../maybe-promise.js'
import type { HonoGuardOptions } from './guard-options.js'
import { refuse } from './refuse.js'

/** The variables that `requireAuth` sets: `c.get('auth')`. */
export interface AuthVariables<C extends object = UntypedClaims> {
  readonly Variables: {
    /** The identity that the token of this request proves. */
    readonly auth: Auth<C>
  }
}

/** The variables that `requireAuth` sets with the option `optional`. */
export interface OptionalAuthVariables<C extends object = UntypedClaims> {
  readonly Variables: {
    /** The identity that the token of this request proves; `undefined` without credentials. */
    readonly auth: Auth<C> | undefined
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
 * @param options Further places that may carry the token, and the handling of refusals.
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
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options?: HonoGuardOptions & RequiredGuardOptions,
): MiddlewareHandler<AuthVariables<C>>
/** With `optional`, a request without credentials passes too, and `auth` is `undefined`. */
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options: HonoGuardOptions,
): MiddlewareHandler<OptionalAuthVariables<C>>
export function requireAuth<C extends object>(
  latchkey: Verifier<C>,
  options: HonoGuardOptions = {},
): MiddlewareHandler<AuthVariables<C>> | MiddlewareHandler<OptionalAuthVariables<C>> {
  const guard = createGuard(latchkey, options)
  const middleware: MiddlewareHandler<OptionalAuthVariables<C>> = (c, next) => {
    // No `async` and `await` on the synchronous path: they cost more than verifying a known token.
    try {
      const pending = identifyCaller(guard, c, options)
      if (!isPromise(pending)) return pass(c, pending, next)
      return pending.then(
        (auth) => pass(c, auth, next),
        (error) => respond(error, c, options),
      )
    } catch (error) {
      return respond(error, c, options)
    }
  }
  return middleware
}

function pass<C extends object>(
  c: Context<OptionalAuthVariables<C>>,
  auth: Auth<C> | undefined,
  next: Next,
): Promise<void> {
  c.set('auth', auth)
  return next()
}

function respond(error: unknown, c: Context, { onRefusal }: HonoGuardOptions): never | Promise<Response> {
  if (onRefusal === undefined || !isLatchkeyError(error)) return refuse(error, c)
  return respondBy(onRefusal, error, c)
}

async function respondBy(
  onRefusal: NonNullable<HonoGuardOptions['onRefusal']>,
  error: LatchkeyError,
  c: Context,
): Promise<Response> {
  return (await onRefusal(error, c)) ?? refuse(error, c)
}

function identifyCaller<C extends object>(
  guard: Guard<C>,
  c: Context,
  options: HonoGuardOptions,
): MaybePromise<Auth<C> | undefined> {
  if (options.body !== true) return guard(webCarrier(c.req.raw, undefined, options))
  return readBody(c).then((body) => guard(webCarrier(c.req.raw, body, options)))
}

/**
 * Reads the body through Hono, which keeps the parsed form for the handler. A body that is no form
 * carries no token.
 */
async function readBody(c: Context): Promise<unknown> {
  return c.req.parseBody({ all: true }).catch(() => undefined)
}
