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

/** What a hook uses of a request; every FastifyRequest has it, whatever its types. */
export type HookedRequest = Pick<FastifyRequest, 'method' | 'headers' | 'body' | 'query'> & {
  readonly raw: { readonly rawHeaders?: readonly string[] }
}

/** A hook for `onRequest`, `preValidation` or `preHandler`. */
export type Hook = (request: HookedRequest, reply: Pick<FastifyReply, 'header'>, done: (error?: Error) => void) => void

/** A hook behind which the handler of the same route finds `request.auth`. */
export interface AuthHook extends Hook {
  readonly authenticates: true
}

/** What a request has that an `AuthHook` let pass. */
export interface Authenticated {
  /** Who the token of this request speaks for. */
  readonly auth: Auth
}

type FirstIsAuthHook = AuthHook | [AuthHook, ...Hook[]]

/** Options of a route with an `AuthHook`, alone or as the first of a list. */
export type GuardedOptions =
  | { readonly onRequest: FirstIsAuthHook }
  | { readonly preValidation: FirstIsAuthHook }
  | { readonly preHandler: FirstIsAuthHook }

// Not a property of `FastifyRequest`: that would be there on routes without a hook as well, and clash with every other
// plugin that has one. These signatures only add what stands behind a hook.
declare module 'fastify' {
  interface RouteShorthandMethod<RawServer, RawRequest, RawReply, TypeProvider, Logger> {
    // biome-ignore lint/style/useShorthandFunctionType: an alias cannot add a signature to the framework's interface.
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
