import type { NextFunction, Request, Response } from 'express'
import type { RouteParameters } from 'express-serve-static-core'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
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

/**
 * A request that an `AuthGuard` let pass.
 *
 * @typeParam C The output of the schema of the guard's Latchkey, which the types cannot know here.
 */
export type AuthenticatedRequest<P = Request['params'], C extends object = UntypedClaims> = Request<P> & {
  /** The identity that the token of this request proves. */
  readonly auth: Auth<C>
}

/** A request that an `OptionalAuthGuard` let pass. */
export type OptionallyAuthenticatedRequest<P = Request['params'], C extends object = UntypedClaims> = Request<P> & {
  /** The identity that the token of this request proves; `undefined` without credentials. */
  readonly auth: Auth<C> | undefined
}

/** A handler of a route behind an `AuthGuard`. */
export type AuthenticatedHandler<P = Request['params'], C extends object = UntypedClaims> = (
  req: AuthenticatedRequest<P, C>,
  res: Response,
  next: NextFunction,
) => unknown

/** A handler of a route behind an `OptionalAuthGuard`. */
export type OptionallyAuthenticatedHandler<P = Request['params'], C extends object = UntypedClaims> = (
  req: OptionallyAuthenticatedRequest<P, C>,
  res: Response,
  next: NextFunction,
) => unknown

/** The types of Express 4 know the parameters of texts, and those of Express 5 also of patterns. */
type ParametersOf<Route> = Route extends string ? RouteParameters<Route> : Record<string | number, string>

// `Express.Request` is not extended: `req.auth` would then also exist on routes without a guard,
// and clash with other libraries that declare it. These signatures add it only to handlers after a
// guard. The type of the guard has no type parameter: TypeScript would then accept a call of any
// generic function in its place at first, such as a validator before a route without a guard, and
// give the handlers the types of these signatures. So handlers themselves name the claims.
declare module 'express-serve-static-core' {
  interface IRouterMatcher<T> {
    <Route extends string | RegExp, P = ParametersOf<Route>, C extends object = UntypedClaims>(
      path: Route,
      guard: AuthGuard,
      ...handlers: AuthenticatedHandler<P, C>[]
    ): T
    <Route extends string | RegExp, P = ParametersOf<Route>, C extends object = UntypedClaims>(
      path: Route,
      guard: OptionalAuthGuard,
      ...handlers: OptionallyAuthenticatedHandler<P, C>[]
    ): T
  }
  interface IRouterHandler<T, Route> {
    <P = ParametersOf<Route>, C extends object = UntypedClaims>(
      guard: AuthGuard,
      ...handlers: AuthenticatedHandler<P, C>[]
    ): T
    <P = ParametersOf<Route>, C extends object = UntypedClaims>(
      guard: OptionalAuthGuard,
      ...handlers: OptionallyAuthenticatedHandler<P, C>[]
    ): T
  }
}
