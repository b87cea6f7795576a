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

/** Middleware that sets `req.auth` for the later handlers of the same route, or to `undefined`. */
export interface OptionalAuthGuard extends Middleware {
  readonly authenticates: 'optional'
}

/** A request that an `AuthGuard` let pass. */
export type AuthenticatedRequest<P = Request['params']> = Request<P> & {
  /** The identity that the token of this request proves. */
  readonly auth: Auth
}

/** A request that an `OptionalAuthGuard` let pass. */
export type OptionallyAuthenticatedRequest<P = Request['params']> = Request<P> & {
  /** The identity that the token of this request proves; `undefined` without credentials. */
  readonly auth: Auth | undefined
}

/** A handler of a route behind an `AuthGuard`. */
export type AuthenticatedHandler<P = Request['params']> = (
  req: AuthenticatedRequest<P>,
  res: Response,
  next: NextFunction,
) => unknown

/** A handler of a route behind an `OptionalAuthGuard`. */
export type OptionallyAuthenticatedHandler<P = Request['params']> = (
  req: OptionallyAuthenticatedRequest<P>,
  res: Response,
  next: NextFunction,
) => unknown

/** The types of Express 4 know the parameters of texts, and those of Express 5 also of patterns. */
type ParametersOf<Route> = Route extends string ? RouteParameters<Route> : Record<string | number, string>

// `Express.Request` is not extended: `req.auth` would then also exist on routes without a guard,
// and clash with other libraries that declare it. These signatures add it only to handlers after a
// guard.
declare module 'express-serve-static-core' {
  interface IRouterMatcher<T> {
    <Route extends string | RegExp, P = ParametersOf<Route>>(
      path: Route,
      guard: AuthGuard,
      ...handlers: AuthenticatedHandler<P>[]
    ): T
    <Route extends string | RegExp, P = ParametersOf<Route>>(
      path: Route,
      guard: OptionalAuthGuard,
      ...handlers: OptionallyAuthenticatedHandler<P>[]
    ): T
  }
  interface IRouterHandler<T, Route> {
    <P = ParametersOf<Route>>(guard: AuthGuard, ...handlers: AuthenticatedHandler<P>[]): T
    <P = ParametersOf<Route>>(guard: OptionalAuthGuard, ...handlers: OptionallyAuthenticatedHandler<P>[]): T
  }
}
