import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import { webCarrier } from '../../http/web-request.js'
import type { MaybePromise } from '../../maybe-promise.js'
import type { NextOptions, RequiredNextOptions } from './next-options.js'
import { refuse } from './refuse.js'

/** The parameters of a dynamic route, a promise since Next.js 15. */
export type RouteParams = Promise<Readonly<Record<string, string | readonly string[] | undefined>>>

/** The second argument of a route handler behind `withAuth`. */
export interface AuthContext<Identity = Auth, Params = RouteParams> {
  /** The identity that the token of this request proves. */
  readonly auth: Identity
  readonly params: Params
}

/** A route handler behind `withAuth`. */
export type AuthHandler<Req, Identity, Params> = (
  request: Req,
  context: AuthContext<Identity, Params>,
) => MaybePromise<Response>

/** A route handler, as a `route.ts` of Next.js exports it. */
export type RouteHandler<Req, Params> = (request: Req, context: { readonly params: Params }) => Promise<Response>

/**
 * Returns a route handler of Next.js that calls `handler` only for a request with a valid access
 * token, with the identity as `auth` beside `params`.
 *
 * The response to a refusal is `application/problem+json`. So is the response to a LatchkeyError
 * that the handler throws, such as `insufficient_role` of `requireRole`. Other errors, also those
 * of `redirect` and `notFound`, reach Next.js. The route must run on Node.js, which is the default.
 *
 * @param handler Declares the type of `params` where it uses them.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireRole, withAuth } from 'latchkey/next'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const checkEditor = requireRole('editor')
 *
 * export const GET = withAuth(latchkey, (_request, { auth }) => Response.json(auth.subject))
 * export const DELETE = withAuth(latchkey, (_request, { auth }) => {
 *   return Response.json({ deletedBy: checkEditor(auth).subject })
 * })
 * ```
 */
export function withAuth<Req extends Request = Request, Params = RouteParams, C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  handler: AuthHandler<Req, Auth<C>, Params>,
  options?: RequiredNextOptions,
): RouteHandler<Req, Params>
/** With `optional`, `auth` is `undefined` for a request without credentials. */
export function withAuth<Req extends Request = Request, Params = RouteParams, C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  handler: AuthHandler<Req, Auth<C> | undefined, Params>,
  options: NextOptions,
): RouteHandler<Req, Params>
export function withAuth<Req extends Request, Params, C extends object>(
  latchkey: Verifier<C>,
  handler: AuthHandler<Req, Auth<C>, Params> | AuthHandler<Req, Auth<C> | undefined, Params>,
  options: NextOptions = {},
): RouteHandler<Req, Params> {
  if (typeof handler !== 'function') throw new TypeError('withAuth needs the route handler as its second argument.')
  const guard = createGuard(latchkey, options)
  // The overloads choose: with a guard that requires an identity, `auth` is never undefined.
  const call = handler as AuthHandler<Req, Auth<C> | undefined, Params>
  return async (request, context) => {
    try {
      const auth = await guard(webCarrier(request, undefined, options))
      return await call(request, { ...context, auth })
    } catch (error) {
      return refuse(error, request, options)
    }
  }
}
