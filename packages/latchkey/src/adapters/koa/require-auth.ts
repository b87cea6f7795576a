import type { Context, Middleware } from 'koa'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import type { RequiredGuardOptions } from '../../http/guard-options.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import { isPromise } from '../../maybe-promise.js'
import type { KoaGuardOptions } from './guard-options.js'
import { refuse } from './refuse.js'

/** What `requireAuth` adds to `ctx.state`. */
export interface AuthState<C extends object = UntypedClaims> {
  /** The identity that the token of this request proves. */
  auth: Auth<C>
}

/** What `requireAuth` adds to `ctx.state` with the option `optional`. */
export interface OptionalAuthState<C extends object = UntypedClaims> {
  /** The identity that the token of this request proves; `undefined` without credentials. */
  auth: Auth<C> | undefined
}

/**
 * Returns Koa middleware that lets a request pass only with a valid access token, and sets
 * `ctx.state.auth` to its identity. For Koa 2 and 3.
 *
 * A refusal is thrown as a LatchkeyError with `status`, `headers` and `expose`, as `ctx.throw`
 * does. Koa's own error handler responds with its status, its challenge and its message. Put
 * `answerRefusals()` before it for responses with the code, as `application/problem+json`.
 *
 * With `body` as a source, put the body parser before the guard. Put CORS before it as well:
 * preflight requests carry no credentials. The client decides when a request body ends, and the
 * token may have been revoked by then: a guard after the body parser checks it then. A handler that
 * changes rights must also lock and check the acting account in its own transaction
 * (docs/explanation/consistency.md).
 *
 * @param options Further places that may carry the token, and the handling of refusals.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/koa'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = new Koa()
 * app.use(requireAuth(latchkey)).use((ctx) => {
 *   ctx.body = { id: ctx.state.auth.subject }
 * })
 * ```
 */
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options?: KoaGuardOptions & RequiredGuardOptions,
): Middleware<AuthState<C>>
/** With `optional`, a request without credentials passes too, and `auth` is `undefined`. */
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options: KoaGuardOptions,
): Middleware<OptionalAuthState<C>>
export function requireAuth<C extends object>(
  latchkey: Verifier<C>,
  options: KoaGuardOptions = {},
): Middleware<AuthState<C>> | Middleware<OptionalAuthState<C>> {
  const guard = createGuard(latchkey, options)
  const middleware: Middleware<OptionalAuthState<C>> = async (ctx, next) => {
    try {
      const pending = guard(carrierOf(ctx, options))
      ctx.state.auth = isPromise(pending) ? await pending : pending
    } catch (error) {
      return refuse(error, ctx, options)
    }
    return next()
  }
  return middleware
}

/** Reads the query only if it is a source: Koa parses it at its first access. */
function carrierOf(ctx: Context, sources: TokenSources): TokenCarrier {
  const { body } = ctx.request as { readonly body?: unknown }
  const query = sources.query === true ? ctx.query : undefined
  const { method, headers, req } = ctx
  return nodeCarrier({ method, headers, rawHeaders: req.rawHeaders }, { body, query }, sources)
}
