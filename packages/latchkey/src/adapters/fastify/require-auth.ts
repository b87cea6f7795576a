import type { UntypedClaims } from '../../claims/check-claims.js'
import { setAuth } from '../../http/auth-of.js'
import { createGuard, type Verifier } from '../../http/guard.js'
import type { RequiredGuardOptions } from '../../http/guard-options.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import { isPromise } from '../../maybe-promise.js'
import type { AuthHook, Hook, HookedRequest, OptionalAuthHook } from './auth-hook.js'
import type { FastifyGuardOptions } from './guard-options.js'
import { refuseBy } from './refuse.js'

/**
 * Returns a Fastify hook that lets a request pass only with a valid access token, and sets
 * `request.auth` to its identity. For Fastify 4 and 5.
 *
 * A refusal is passed to the error handler of the application as a LatchkeyError, with the
 * `WWW-Authenticate` challenge already set. Fastify's own error handler responds with its status
 * and code. As `onRequest` the hook refuses before a body is read; with `body` as a source it must
 * be a `preHandler`. Register CORS before it: preflight requests carry no credentials.
 *
 * The types show `request.auth` only in the handler of the same route. Behind a hook for the whole
 * application, use `authOf(request)`, or `authOf<Claims>(request)` for the types of the schema of
 * the option `claims`. Use the latter too behind `app.authenticate`, and in routes with type
 * arguments of their own.
 *
 * The client decides when a request body ends, and the token may have been revoked by then: give a
 * route that takes a body the hook as `preHandler` as well. The second check needs no database
 * read. A handler that changes rights must also lock and check the acting account in its own
 * transaction (docs/explanation/consistency.md).
 *
 * @param options Further places that may carry the token, and the handling of refusals.
 * @throws TypeError if an argument is wrong
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth } from 'latchkey/fastify'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * const onRequest = requireAuth(latchkey)
 * app.get('/me', { onRequest }, async ({ auth }) => ({ id: auth.subject }))
 * ```
 */
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options?: FastifyGuardOptions & RequiredGuardOptions,
): AuthHook<C>
/** With `optional`, a request without credentials passes too, and `request.auth` is `undefined`. */
export function requireAuth<C extends object = UntypedClaims>(
  latchkey: Verifier<C>,
  options: FastifyGuardOptions,
): OptionalAuthHook<C>
export function requireAuth<C extends object>(
  latchkey: Verifier<C>,
  options: FastifyGuardOptions = {},
): AuthHook<C> | OptionalAuthHook<C> {
  const guard = createGuard(latchkey, options)
  const refuse = refuseBy(options.onRefusal)
  const hook: Hook = (request, reply, done) => {
    try {
      const auth = guard(carrierOf(request, options))
      if (isPromise(auth)) {
        auth.then(
          (read) => {
            setAuth(request, read)
            done()
          },
          (error) => refuse(error, request, reply, done),
        )
        return
      }
      setAuth(request, auth)
    } catch (error) {
      refuse(error, request, reply, done)
      return
    }
    done()
  }
  const authenticates = options.optional === true ? 'optional' : true
  return Object.assign(hook, { authenticates }) as AuthHook<C> | OptionalAuthHook<C>
}

function carrierOf({ method, headers, raw, body, query }: HookedRequest, sources: TokenSources): TokenCarrier {
  return nodeCarrier({ method, headers, rawHeaders: raw.rawHeaders }, { body, query }, sources)
}
