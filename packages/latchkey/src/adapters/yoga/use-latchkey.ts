import type { Plugin } from 'graphql-yoga'
import type { Auth } from '../../auth.js'
import type { UntypedClaims } from '../../claims/check-claims.js'
import { isLatchkeyError, type LatchkeyError, refusal } from '../../errors.js'
import type { ConnectionVerifier } from '../../http/connection-guard.js'
import { createGuard } from '../../http/guard.js'
import type { GuardOptions } from '../../http/guard-options.js'
import { checkWatching } from '../../http/watch-connection.js'
import { webCarrier } from '../../http/web-request.js'
import { endResults, isStream } from './end-results.js'
import { asGraphQLError, type GraphQLError, graphqlRefusal } from './graphql-refusal.js'

/** Options of `useLatchkey`. */
export interface YogaOptions extends Omit<GuardOptions, 'body'> {
  /**
   * Returns the error with which Yoga responds to a refusal, or `undefined` for the default.
   *
   * @defaultValue a GraphQL error with `code` and `hint` as extensions, and the status of the
   * refusal
   */
  readonly onRefusal?: (error: LatchkeyError, request: Request) => GraphQLError | undefined
}

/**
 * The member that `useLatchkey` adds to the context.
 *
 * @typeParam C The output of the schema of the Latchkey.
 */
export interface AuthContext<C extends object = UntypedClaims> {
  /** The identity that the token of the request proves. */
  readonly auth: Auth<C>
}

/**
 * Returns a plugin for GraphQL Yoga that lets a request pass only with a valid access token, and
 * sets `context.auth` to its identity. With `optional`, `context.auth` may be `undefined`.
 *
 * A refusal is a GraphQL error with the extensions `code` and `hint`. Yoga responds with its HTTP
 * status and challenge, before it parses the body. The page of GraphiQL is not guarded. An
 * operation that arrives in another way, such as by graphql-ws, is refused unless its context
 * already has an `auth`.
 *
 * The results of a subscription end once the identity is no longer valid; the last result has that
 * error.
 *
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createSchema, createYoga } from 'graphql-yoga'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { type AuthContext, useLatchkey } from 'latchkey/yoga'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const schema = createSchema<AuthContext>({
 *   typeDefs: 'type Query { me: ID! }',
 *   resolvers: { Query: { me: (_root, _args, { auth }) => auth.subject } },
 * })
 * createServer(createYoga({ schema, plugins: [useLatchkey(latchkey)] })).listen(4000)
 * ```
 */
export function useLatchkey<C extends object = UntypedClaims>(
  latchkey: ConnectionVerifier<C>,
  options: YogaOptions = {},
): Plugin<Partial<AuthContext<C>>> {
  const guard = createGuard(latchkey, options)
  checkWatching(latchkey)
  const identities = new WeakMap<Request, Auth<C>>()
  return {
    async onRequestParse({ request }) {
      try {
        const auth = await guard(webCarrier(request, undefined, options))
        if (auth !== undefined) identities.set(request, auth)
      } catch (error) {
        throw (isLatchkeyError(error) ? options.onRefusal?.(error, request) : undefined) ?? asGraphQLError(error)
      }
    },
    onContextBuilding({ context, extendContext }) {
      const auth = identities.get(context.request)
      if (auth !== undefined) extendContext({ auth })
      // Operations that arrive in another way, such as by graphql-ws, pass no `onRequestParse`.
      else if (options.optional !== true && context.auth === undefined) {
        throw graphqlRefusal(refusal('credentials_missing'))
      }
    },
    onResultProcess({ request, result, setResult }) {
      const auth = identities.get(request)
      if (auth === undefined || !isStream(result)) return
      setResult(
        endResults(result, (ended) => latchkey.watch(auth, (reason) => ended({ errors: [graphqlRefusal(reason)] }))),
      )
    },
  }
}
