import type { Auth } from '../../auth.js'
import { authOf } from '../../http/auth-of.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import type { Hook } from './auth-hook.js'
import { refuse } from './refuse.js'

/**
 * Returns a Fastify hook that lets a request pass only if `request.auth.grants.scope` holds all of
 * these scopes. Put it after `requireAuth`. It refuses with `insufficient_scope` (403), whose
 * challenge names the scopes (RFC 6750 §3).
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createLatchkey, remoteJwks } from 'latchkey'
 * import { requireAuth, requireScope } from 'latchkey/fastify'
 *
 * const keys = remoteJwks('https://auth.example/jwks.json')
 * const latchkey = createLatchkey({ issuer: 'https://auth.example', audience: 'api', keys })
 * const app = fastify()
 * app.post(
 *   '/articles',
 *   { onRequest: [requireAuth(latchkey), requireScope('articles:write')] },
 *   async (request) => ({ author: request.auth.subject }),
 * )
 * ```
 */
export function requireScope(...scopes: readonly string[]): Hook {
  return hookOf(createCheck(...scopes))
}

/** Returns a hook that lets a request pass if the check of its identity does not throw. */
export function hookOf(check: (auth: Auth) => Auth): Hook {
  return (request, reply, done) => {
    try {
      check(authOf(request))
    } catch (error) {
      refuse(error, reply, done)
      return
    }
    done()
  }
}
