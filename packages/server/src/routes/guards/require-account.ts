import type { onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import { isClient } from '../../grants.js'
import { Problem } from '../../problem.js'

/**
 * Refuses verified tokens of clients, by the stored grants. Runs after the hook that verifies the
 * token.
 */
export const requireAccount: onRequestHookHandler = (request, _reply, done) => {
  if (isClient(authOf(request).grants)) done(new Problem('account_required'))
  else done()
}
