import type { onRequestHookHandler } from 'fastify'
import type { Administration } from '../admin/administration.js'
import { isAdmin } from '../grants.js'
import { Problem } from '../problem.js'

/** Lets a request pass whose stored grants and whose account are both an administrator's. Goes behind the hook that verifies the token. */
export function requireAdmin(administration: Administration): onRequestHookHandler {
  return ({ auth }, _reply, done) => {
    if (isAdmin(auth.grants)) administration.checkAdmin(auth.subject).then(() => done(), done)
    else done(new Problem('admin_required'))
  }
}
