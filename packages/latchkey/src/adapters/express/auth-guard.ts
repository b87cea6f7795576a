import type { NextFunction, Request, Response } from 'express'
import type { RouteParameters } from 'express-serve-static-core'
import type { Auth } from '../../auth.js'
import type { NodeRequest } from '../../http/node-request.js'
import type { NodeResponse } from '../../http/node-response.js'

/** Middleware that takes no part in the types of a route, so that its parameters keep theirs. */
export type Middleware = (req: NodeRequest, res: NodeResponse, next: NextFunction) => void

/** Middleware behind which the handlers of the same route find `req.auth`. */
export interface AuthGuard extends Middleware {
  readonly authenticates: true
}

/** A request that an `AuthGuard` let pass. */
export type AuthenticatedRequest<P = Request['params']> = Request<P> & {
  /** Who the token of this request speaks for. */
  readonly auth: Auth
}

/** A handler of a route behind an `AuthGuard`. */
export type AuthenticatedHandler<P = Request['params']> = (
  req: AuthenticatedRequest<P>,
  res: Response,
  next: NextFunction,
) => unknown

// Not a property of `Express.Request`: that would be there on routes without a guard as well, and clash with every
// other library that has one. These signatures only add what stands behind a guard.
declare module 'express-serve-static-core' {
  interface IRouterMatcher<T> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot add a signature to the framework's interface.
    <Route extends string | RegExp, P = RouteParameters<Route>>(
      path: Route,
      guard: AuthGuard,
      ...handlers: AuthenticatedHandler<P>[]
    ): T
  }
  interface IRouterHandler<T, Route> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot add a signature to the framework's interface.
    <P = RouteParameters<Route>>(guard: AuthGuard, ...handlers: AuthenticatedHandler<P>[]): T
  }
}
