import type { onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import { isClient } from '../../grants.js'
import { routeFailures } from '../failures.js'

/**
 * Refuses verified tokens of clients, by the stored grants. Runs after the hook that verifies the
 * token.
 */
export const requireAccount: onRequestHookHandler = (request, _reply, done) => {
  if (isClient(authOf(request).grants)) done(routeFailures.refusal('account_required'))
  else done()
}
