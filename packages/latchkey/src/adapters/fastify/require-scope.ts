import type { Auth } from '../../auth.js'
import { authOf } from '../../http/auth-of.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import type { Hook } from './auth-hook.js'
import { refuse } from './refuse.js'

/**
 * A Fastify hook that lets a request pass only if `request.auth.grants.scope` holds all of these. Goes behind `requireAuth`.
 *
 * Otherwise it fails with `insufficient_scope`: 403, with a challenge that names them (RFC 6750 §3).
 *
 * @example
 * app.post('/articles', { onRequest: [requireAuth(latchkey), requireScope('articles:write')] }, async (request) => …)
 */
export function requireScope(...scopes: readonly string[]): Hook {
  return hookOf(createCheck(...scopes))
}

/** A hook that lets a request pass whose identity passes the check. */
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
