import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Administration } from '../admin/administration.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { isAdmin } from '../grants.js'
import { clientAddress } from '../http/client-address.js'
import { Problem } from '../problem.js'

/**
 * Lets a request pass whose stored grants and whose account are both an administrator's; the audit log has those that it refuses. Goes behind the hook that
 * verifies the token.
 */
export function requireAdmin(administration: Administration, audit: AuditTrail): onRequestHookHandler {
  return (request, _reply, done) => {
    const { grants, subject } = request.auth
    const checked = isAdmin(grants) ? administration.checkAdmin(subject) : Promise.reject(new Problem('admin_required'))
    checked
      .catch(async (error: unknown) => {
        if (error instanceof Problem && error.code === 'admin_required') await recordRefusal(audit, request)
        throw error
      })
      .then(() => done(), done)
  }
}

/** Records the route that was refused, as it was declared: never what the request has put into its path. */
export function recordRefusal(audit: AuditTrail, request: FastifyRequest): Promise<void> {
  const { subject, sessionId } = request.auth
  return audit.tally({
    event: 'admin_access',
    outcome: 'refused',
    actor: subject,
    account: subject,
    session: sessionId,
    address: clientAddress(request),
    detail: { method: request.method, route: request.routeOptions.url ?? '' },
  })
}
