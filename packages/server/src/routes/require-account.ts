import type { onRequestHookHandler } from 'fastify'
import { Problem } from '../problem.js'

/** Lets a request pass whose verified token is that of an account, not that of a client. Goes behind the hook that verifies the token. */
export const requireAccount: onRequestHookHandler = ({ auth }, _reply, done) => {
  if (auth.claims.client_id === undefined) done()
  else done(new Problem('account_required'))
}
