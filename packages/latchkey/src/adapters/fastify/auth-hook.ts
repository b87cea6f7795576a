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

/** The property that an `AuthHook` adds to a request. */
export interface Authenticated {
  /** The identity that the token of this request proves. */
  readonly auth: Auth
}

type FirstIsAuthHook = AuthHook | [AuthHook, ...Hook[]]

/** Options of a route with an `AuthHook`, alone or as the first of a list. */
export type GuardedOptions =
  | { readonly onRequest: FirstIsAuthHook }
  | { readonly preValidation: FirstIsAuthHook }
  | { readonly preHandler: FirstIsAuthHook }

// `FastifyRequest` is not extended: `request.auth` would then also exist on routes without a hook,
// and clash with other plugins that declare it. These signatures add it only to handlers after a
// hook.
declare module 'fastify' {
  interface RouteShorthandMethod<RawServer, RawRequest, RawReply, TypeProvider, Logger> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot merge into an interface.
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
        reply: FastifyReply<Route, RawServer, RawRequest, RawReply, Config, Schema, TypeProvider>,
      ) => ReturnType<RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>>,
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }
  interface FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider> {
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
            reply: FastifyReply<Route, RawServer, RawRequest, RawReply, Config, Schema, TypeProvider>,
          ) => ReturnType<
            RouteHandlerMethod<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>
          >
        },
    ): FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>
  }
}
