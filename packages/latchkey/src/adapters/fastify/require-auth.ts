import { setAuth } from '../../http/auth-of.js'
import { checkGuard, identify } from '../../http/identify.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey.js'
import type { AuthHook, Hook, HookedRequest } from './auth-hook.js'
import { refuse } from './refuse.js'

/**
 * A Fastify hook that lets a request pass only with a valid access token, and puts whom it speaks for into `request.auth`.
 *
 * A refusal is passed on as a LatchkeyError, as is the custom in Fastify: the application's error handler sees it, with the `WWW-Authenticate` challenge
 * already set, and Fastify's own answers with its status and its code. As `onRequest` it refuses before a body is read; with `body` as
 * a source it must be a `preHandler`. CORS goes before it: preflight requests carry no credentials.
 *
 * The types have `request.auth` in the handler of the same route alone. Behind a hook of the whole application, use `authOf(request)`.
 *
 * The sender decides when a body ends, and the token may have been revoked by then: give a route
 * that takes a body the hook as `preHandler` as well. The second check is answered from memory. A
 * change of rights also locks and checks the acting account in its own transaction
 * (docs/consistency.md).
 *
 * @example
 * app.get('/me', { onRequest: requireAuth(latchkey) }, async (request) => ({ id: request.auth.subject }))
 * app.put('/me', { onRequest: requireAuth(latchkey), preHandler: requireAuth(latchkey) }, async (request) => …)
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
