import type {
  ContextConfigDefault,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  RouteGenericInterface,
  RouteHandlerMethod,
  RouteOptions,
  RouteShorthandOptions,
} from 'fastify'
import type { Auth } from '../../auth.js'

/**
 * The parts of a `FastifyRequest` that a hook uses. Every one has them, whatever its type
 * parameters.
 */
export type HookedRequest = Pick<FastifyRequest, 'method' | 'headers' | 'body' | 'query'> & {
  readonly raw: { readonly rawHeaders?: readonly string[] }
}

/** A hook for `onRequest`, `preValidation` or `preHandler`. */
export type Hook = (request: HookedRequest, reply: Pick<FastifyReply, 'header'>, done: (error?: Error) => void) => void

/** A hook that sets `request.auth` for the handler of the same route. */
export interface AuthHook extends Hook {
  readonly authenticates: true
}

/** A hook that sets `request.auth` for the handler of the same route, or to `undefined`. */
export interface OptionalAuthHook extends Hook {
  readonly authenticates: 'optional'
}

/** The property that an `AuthHook` adds to a request. */
export interface Authenticated {
  /** The identity that the token of this request proves. */
  readonly auth: Auth
}

/** The property that an `OptionalAuthHook` adds to a request. */
export interface OptionallyAuthenticated {
  /** The identity that the token of this request proves; `undefined` without credentials. */
  readonly auth: Auth | undefined
}

type First<Guard extends Hook> = Guard | [Guard, ...Hook[]]

type Guarded<Guard extends Hook> =
  | { readonly onRequest: First<Guard> }
  | { readonly preValidation: First<Guard> }
  | { readonly preHandler: First<Guard> }

/** Options of a route with an `AuthHook`, alone or as the first of a list. */
export type GuardedOptions = Guarded<AuthHook>

/** Options of a route with an `OptionalAuthHook`, alone or as the first of a list. */
export type OptionallyGuardedOptions = Guarded<OptionalAuthHook>

// `FastifyRequest` is not extended: `request.auth` would then also exist on routes without a hook,
// and clash with other plugins that declare it. These signatures add it only to handlers after a
// hook. The type of a reply is that of a handler, because Fastify 4 and 5 order its parameters
// differently.
declare module 'fastify' {
  interface RouteShorthandMethod<RawServer, RawRequest, RawReply, TypeProvider, Logger> {
    <
      Route extends RouteGenericInterface = RouteGenericInterface,
      Config = ContextConfigDefault,
      const Schema extends FastifySchema = FastifySchema,
    >(
      path: string,
      opts: GuardedOptions &
        RouteShorthandOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>,
      handler: (
        this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
        request: Authenticated & FastifyRequest<Route, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>,
        reply: Parameters<
          RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
        >[1],
      ) => ReturnType<RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>>,
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    <
      Route extends RouteGenericInterface = RouteGenericInterface,
      Config = ContextConfigDefault,
      const Schema extends FastifySchema = FastifySchema,
    >(
      path: string,
      opts: OptionallyGuardedOptions &
        RouteShorthandOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>,
      handler: (
        this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
        request: OptionallyAuthenticated &
          FastifyRequest<Route, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>,
        reply: Parameters<
          RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
        >[1],
      ) => ReturnType<RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>>,
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }
  interface FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider> {
    /** A hook that the plugin `latchkey` adds: it requires a valid access token. */
    readonly authenticate: AuthHook
    /** A hook that the plugin `latchkey` adds: a request without credentials passes it too. */
    readonly authenticateOptional: OptionalAuthHook
    route<
      Route extends RouteGenericInterface = RouteGenericInterface,
      Config = ContextConfigDefault,
      const Schema extends FastifySchema = FastifySchema,
    >(
      opts: GuardedOptions &
        Omit<RouteOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>, 'handler'> & {
          readonly handler: (
            this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
            request: Authenticated & FastifyRequest<Route, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>,
            reply: Parameters<
              RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
            >[1],
          ) => ReturnType<
            RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
          >
        },
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
    route<
      Route extends RouteGenericInterface = RouteGenericInterface,
      Config = ContextConfigDefault,
      const Schema extends FastifySchema = FastifySchema,
    >(
      opts: OptionallyGuardedOptions &
        Omit<RouteOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>, 'handler'> & {
          readonly handler: (
            this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
            request: OptionallyAuthenticated &
              FastifyRequest<Route, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>,
            reply: Parameters<
              RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
            >[1],
          ) => ReturnType<
            RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
          >
        },
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }
}
