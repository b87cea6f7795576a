import type { onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import { isClient } from '../../grants.js'
import { Problem } from '../../problem.js'

/** Lets a request pass whose verified token is that of an account, not that of a client, by the stored grants. Goes behind the hook that verifies the token. */
export const requireAccount: onRequestHookHandler = (request, _reply, done) => {
  if (isClient(authOf(request).grants)) done(new Problem('account_required'))
  else done()
}
