import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from '../../auth.js'
import { identify } from '../../http/identify.js'
import { nodeCarrier } from '../../http/node-request.js'
import type { TokenCarrier, TokenSources } from '../../http/take-token.js'
import type { Latchkey } from '../../latchkey.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who the token of this request speaks for. There behind `requireAuth`, and only there. */
    auth: Auth
  }
}

/** What the hook uses of a request; every FastifyRequest has it, whatever its types. */
export type AuthenticatedRequest = Pick<FastifyRequest, 'auth' | 'method' | 'headers' | 'body' | 'query'> & {
  readonly raw: { readonly rawHeaders?: readonly string[] }
}

/** A hook for `onRequest`, `preValidation` or `preHandler`. */
export type AuthHook = (
  request: AuthenticatedRequest,
  reply: Pick<FastifyReply, 'header'>,
  done: (error?: Error) => void,
) => void

/**
 * A Fastify hook that lets a request pass only with a valid access token, and puts whom it speaks for into `request.auth`.
 *
 * A refusal is passed on as a LatchkeyError, as is the custom in Fastify: the application's error handler sees it, and Fastify's own
 * answers with its status, its code and the `WWW-Authenticate` challenge. As `onRequest` it refuses before a body is read; with `body` as
 * a source it must be a `preHandler`.
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
  return (request, _reply, done) => {
    try {
      const auth = identify(latchkey, carrierOf(request), sources)
      if (auth instanceof Promise) {
        auth.then((read) => {
          request.auth = read
          done()
        }, done)
        return
      }
      request.auth = auth
    } catch (error) {
      done(error instanceof Error ? error : new TypeError('Something that is no Error was thrown.'))
      return
    }
    done()
  }
}

function carrierOf({ method, headers, raw, body, query }: AuthenticatedRequest): TokenCarrier {
  return nodeCarrier({ method, headers, rawHeaders: raw.rawHeaders }, { body, query })
}
