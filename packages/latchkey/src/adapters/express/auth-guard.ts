import type { NextFunction, Request, Response } from 'express'
import type { RouteParameters } from 'express-serve-static-core'
import type { Auth } from '../../auth.js'
import type { NodeRequest } from '../../http/node-request.js'
import type { NodeResponse } from '../../http/node-response.js'

/**
 * Middleware that leaves the types of a route unchanged, so that its parameters keep their types.
 */
export type Middleware = (req: NodeRequest, res: NodeResponse, next: NextFunction) => void

/** Middleware that sets `req.auth` for the later handlers of the same route. */
export interface AuthGuard extends Middleware {
  readonly authenticates: true
}

/** A request that an `AuthGuard` let pass. */
export type AuthenticatedRequest<P = Request['params']> = Request<P> & {
  /** The identity that the token of this request proves. */
  readonly auth: Auth
}

/** A handler of a route behind an `AuthGuard`. */
export type AuthenticatedHandler<P = Request['params']> = (
  req: AuthenticatedRequest<P>,
  res: Response,
  next: NextFunction,
) => unknown

// `Express.Request` is not extended: `req.auth` would then also exist on routes without a guard,
// and clash with other libraries that declare it. These signatures add it only to handlers after a
// guard.
declare module 'express-serve-static-core' {
  interface IRouterMatcher<T> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot merge into an interface.
    <Route extends string | RegExp, P = RouteParameters<Route>>(
      path: Route,
      guard: AuthGuard,
      ...handlers: AuthenticatedHandler<P>[]
    ): T
  }
  interface IRouterHandler<T, Route> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot merge into an interface.
    <P = RouteParameters<Route>>(guard: AuthGuard, ...handlers: AuthenticatedHandler<P>[]): T
  }
}
