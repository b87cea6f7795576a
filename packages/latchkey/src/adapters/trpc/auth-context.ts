import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import type { GuardOptions } from '../../http/guard-options.js'
import { type NodeRequest, nodeCarrier } from '../../http/node-request.js'
import { queryOf } from '../../http/parameters.js'
import type { TokenCarrier } from '../../http/take-token.js'
import { webCarrier } from '../../http/web-request.js'
import { credentialsIn, withCredentials } from '../../http/with-credentials.js'
import { toTRPCError } from './trpc-error.js'

/** Options of `createAuthContext`. */
export type AuthContextOptions = Omit<GuardOptions, 'body'>

/** Options of `createAuthContext` for a router in which every call needs an identity. */
export interface RequiredAuthContextOptions extends AuthContextOptions {
  readonly optional?: false
}

/** The members that a context of tRPC must have for `authProcedure`. */
export interface AuthContext<Identity extends Auth<object> | undefined = Auth | undefined> {
  /**
   * Returns the identity of the caller. It verifies the token at each call, because a WebSocket has
   * one context for all its calls.
   *
   * @throws TRPCError with the LatchkeyError as `cause`
   */
  readonly authenticate: () => Promise<Identity>
}

/** The argument of `createContext` in the adapters of tRPC for HTTP, Fetch and WebSocket. */
export interface ContextRequest {
  readonly req: Request | NodeRequest
  readonly info?: { readonly connectionParams: Readonly<Record<string, unknown>> | null }
}

/**
 * Returns a `createContext` for tRPC: the context has `authenticate`, which `authProcedure` calls.
 * Creating the context refuses nothing, so that a router can have public procedures.
 *
 * The token is in the `Authorization` header or in a further source of the options. Over a
 * WebSocket it may also be the `token` of `connectionParams`. With `query` it may be so over HTTP
 * too, where tRPC sends them in the URL.
 *
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { initTRPC } from '@trpc/server'
 * import { createHTTPServer } from '@trpc/server/adapters/standalone'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { authProcedure, createAuthContext, refusalMeta, requireRole } from 'latchkey/trpc'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const createContext = createAuthContext(latchkey)
 * const t = initTRPC.context<typeof createContext>().create()
 * const authed = t.procedure.concat(authProcedure())
 * const editors = t.procedure.concat(authProcedure(requireRole('editor')))
 * const router = t.router({
 *   me: authed.query(({ ctx }) => ctx.auth.subject),
 *   publish: editors.mutation(({ ctx }) => ctx.auth.subject),
 * })
 * createHTTPServer({ router, createContext, responseMeta: refusalMeta }).listen(3000)
 * ```
 */
export function createAuthContext<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options?: RequiredAuthContextOptions,
): (call: ContextRequest) => AuthContext<Auth<C>>
/** With `optional`, `authenticate` returns `undefined` for a call without credentials. */
export function createAuthContext<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options: AuthContextOptions,
): (call: ContextRequest) => AuthContext<Auth<C> | undefined>
export function createAuthContext<C extends object>(
  latchkey: Verifier<C>,
  options: AuthContextOptions = {},
): (call: ContextRequest) => AuthContext<Auth<C> | undefined> {
  const guard = createGuard(latchkey, options)
  return (call) => ({
    authenticate: async () => {
      try {
        return await guard(carrierOf(call, options))
      } catch (error) {
        throw toTRPCError(error)
      }
    },
  })
}

function carrierOf({ req, info }: ContextRequest, options: AuthContextOptions): TokenCarrier {
  const carrier = isWebRequest(req) ? webCarrier(req, undefined, options) : carrierOfNode(req, options)
  const mayHaveToken = options.query === true || opensWebSocket(req)
  return withCredentials(carrier, mayHaveToken ? credentialsIn(info?.connectionParams?.token) : [])
}

function carrierOfNode({ method, headers, rawHeaders, url }: NodeRequest, options: AuthContextOptions): TokenCarrier {
  const query = options.query === true ? queryOf(url ?? '') : undefined
  return nodeCarrier({ method, headers, rawHeaders }, { body: undefined, query }, options)
}

function isWebRequest(request: ContextRequest['req']): request is Request {
  return typeof request.headers.get === 'function'
}

/** Returns whether `connectionParams` are those of a message, and not those of the URL. */
function opensWebSocket(request: ContextRequest['req']): boolean {
  return !isWebRequest(request) && request.headers['sec-websocket-key'] !== undefined
}
