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
import type { UntypedClaims } from '../../claims/check-claims.js'

/**
 * The parts of a `FastifyRequest` that a hook uses. Every one has them, whatever its type
 * parameters.
 */
export type HookedRequest = Pick<FastifyRequest, 'method' | 'headers' | 'body' | 'query'> & {
  readonly raw: { readonly rawHeaders?: readonly string[] }
}

/** A hook for `onRequest`, `preValidation` or `preHandler`. */
export type Hook = (request: HookedRequest, reply: Pick<FastifyReply, 'header'>, done: (error?: Error) => void) => void

/**
 * A hook that sets `request.auth` for the handler of the same route.
 *
 * @typeParam Identity The type of `request.auth`.
 */
// An intersection: of generic functions that return an interface with a call, such as `requireAuth`
// would be, TypeScript learns the result only after it has given the handler its types.
export type RouteHook<Identity extends Auth<object> | undefined> = Hook & Identifying<Identity>

/** The part of a `RouteHook` that distinguishes it from other hooks. */
export interface Identifying<Identity extends Auth<object> | undefined> {
  readonly authenticates: true | 'optional'
  /** Exists in the types alone. */
  readonly identify?: () => Identity
}

/** The hook of a route whose handler has an identity. */
export type AuthHook<C extends object = UntypedClaims> = RouteHook<Auth<C>>

/** The hook of a route whose handler has an identity, or `undefined`. */
export type OptionalAuthHook<C extends object = UntypedClaims> = RouteHook<Auth<C> | undefined>

/** The property that a `RouteHook` adds to a request. */
export interface Guarded<Identity extends Auth<object> | undefined> {
  /** The identity that the token of this request proves; `undefined` without credentials. */
  readonly auth: Identity
}

/** The property that an `AuthHook` adds to a request. */
export type Authenticated<C extends object = UntypedClaims> = Guarded<Auth<C>>

/** The property that an `OptionalAuthHook` adds to a request. */
export type OptionallyAuthenticated<C extends object = UntypedClaims> = Guarded<Auth<C> | undefined>

type First<Identity extends Auth<object> | undefined> = RouteHook<Identity> | [RouteHook<Identity>, ...Hook[]]

/** Options of a route with a `RouteHook`, alone or as the first of a list. */
export type GuardedOptions<Identity extends Auth<object> | undefined = Auth> =
  | { readonly onRequest: First<Identity> }
  | { readonly preValidation: First<Identity> }
  | { readonly preHandler: First<Identity> }

// `FastifyRequest` is not extended: `request.auth` would then also exist on routes without a hook,
// and clash with other plugins that declare it. These signatures add it only to handlers after a
// hook. The type of a reply is that of a handler, because Fastify 4 and 5 order its parameters
// differently.
declare module 'fastify' {
  interface RouteShorthandMethod<RawServer, RawRequest, RawReply, TypeProvider, Logger> {
    // biome-ignore lint/style/useShorthandFunctionType: only an interface extends that of Fastify.
    <
      Route extends RouteGenericInterface = RouteGenericInterface,
      Config = ContextConfigDefault,
      const Schema extends FastifySchema = FastifySchema,
      Identity extends Auth<object> | undefined = Auth,
    >(
      path: string,
      opts: GuardedOptions<Identity> &
        RouteShorthandOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>,
      handler: (
        this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
        request: Guarded<Identity> & FastifyRequest<Route, RawServer, RawRequest, Schema, TypeProvider, Config, Logger>,
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
      Identity extends Auth<object> | undefined = Auth,
    >(
      opts: GuardedOptions<Identity> &
        Omit<RouteOptions<RawServer, RawRequest, RawReply, Route, Config, Schema, TypeProvider, Logger>, 'handler'> & {
          readonly handler: (
            this: FastifyInstance<RawServer, RawRequest, RawReply, Logger, TypeProvider>,
            request: Guarded<Identity> &
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
