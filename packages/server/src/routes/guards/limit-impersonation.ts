import type { onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import { impersonatorOf } from '../../authentication-claims.js'
import { sessionFailures } from '../../sessions/failures.js'
import { safeMethods } from './cookie-guards.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Whether an administrator may use the route in a session of another account. By default: if
     * its method changes nothing.
     */
    impersonation?: 'allow' | 'refuse'
  }
}

/**
 * Refuses changes, and exports of data, in a session in which an administrator acts. Runs after the
 * hook that verifies the token. `Actors.lock` refuses the changes again, by the stored session.
 */
export const limitImpersonation: onRequestHookHandler = (request, _reply, done) => {
  const { impersonation = safeMethods.has(request.method) ? 'allow' : 'refuse' } = request.routeOptions.config
  const isRefused = impersonation === 'refuse' && impersonatorOf(authOf(request)) !== undefined
  if (isRefused) done(sessionFailures.refusal('impersonation_read_only'))
  else done()
}
