import type { Lifecycle, Request, ResponseToolkit } from '@hapi/hapi'
import type { Auth } from '../../auth.js'
import { isLatchkeyError } from '../../errors.js'
import { requireScope as createCheck } from '../../http/require-scope.js'
import { authOf } from './auth-of.js'
import { toBoom } from './to-boom.js'

/** A check for `pre` of a route, or for its extension point `onCredentials`. */
export type Check = (request: Request, h: ResponseToolkit) => Lifecycle.ReturnValue

/**
 * Returns a hapi `pre` method that lets a request pass only if the stored grants hold all of these
 * scopes. It refuses with `insufficient_scope` (403), whose challenge names the scopes (RFC 6750
 * §3). The `access.scope` of a route checks the same scopes; its refusal has no code and no
 * challenge.
 *
 * @throws TypeError if no scope is given, or one that is no scope token (RFC 6749 §3.3)
 * @example
 * ```ts
 * import Hapi from '@hapi/hapi'
 * import { requireScope } from 'latchkey/hapi'
 *
 * const server = Hapi.server()
 * server.route({
 *   method: 'POST',
 *   path: '/articles',
 *   options: { auth: 'token', pre: [requireScope('articles:write')] },
 *   handler: () => 'published',
 * })
 * ```
 */
export function requireScope(...scopes: readonly string[]): Check {
  return checkOf(createCheck(...scopes))
}

/** Returns a method that lets a request pass if the check of its identity does not throw. */
export function checkOf(check: (auth: Auth) => Auth): Check {
  return (request, h) => {
    try {
      check(authOf(request))
    } catch (error) {
      throw isLatchkeyError(error) ? toBoom(error) : error
    }
    return h.continue
  }
}
