import { setAuth } from '../../http/auth-of.js'
import { checkGuard, identify } from '../../http/identify.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey-api.js'
import type { AuthHook, Hook, HookedRequest } from './auth-hook.js'
import { refuse } from './refuse.js'

/**
 * Returns a Fastify hook that lets a request pass only with a valid access token, and sets
 * `request.auth` to its identity.
 *
 * A refusal is passed to the error handler of the application as a LatchkeyError, with the
 * `WWW-Authenticate` challenge already set. Fastify's own error handler responds with its status
 * and code. As `onRequest` the hook refuses before a body is read; with `body` as a source it must
 * be a `preHandler`. Register CORS before it: preflight requests carry no credentials.
 *
 * The types show `request.auth` only in the handler of the same route. Behind a hook for the whole
 * application, use `authOf(request)`.
 *
 * The client decides when a request body ends, and the token may have been revoked by then: give a
 * route that takes a body the hook as `preHandler` as well. The second check needs no database
 * read. A handler that changes rights must also lock and check the acting account in its own
 * transaction (docs/explanation/consistency.md).
 *
 * @param sources Further places that may carry the token.
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
export function requireAuth(latchkey: Pick<Latchkey, 'verify'>, sources: TokenSources = {}): AuthHook {
  checkGuard(latchkey, sources)
  const hook: Hook = (request, reply, done) => {
    try {
      const auth = identify(latchkey, carrierOf(request, sources), sources)
      if (auth instanceof Promise) {
        auth.then(
          (read) => {
            setAuth(request, read)
            done()
          },
          (error) => refuse(error, reply, done),
        )
        return
      }
      setAuth(request, auth)
    } catch (error) {
      refuse(error, reply, done)
      return
    }
    done()
  }
  return Object.assign(hook, { authenticates: true } as const)
}

function carrierOf({ method, headers, raw, body, query }: HookedRequest, sources: TokenSources): TokenCarrier {
  return nodeCarrier({ method, headers, rawHeaders: raw.rawHeaders }, { body, query }, sources)
}
