import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import type { Administration } from '../../admin/administration.js'
import { adminFailures } from '../../admin/failures.js'
import type { AuditTrail } from '../../audit/audit-trail.js'
import { isAdmin, isClient } from '../../grants.js'
import { clientAddress } from '../../http/client-address.js'
import { isProblem } from '../../problem.js'
import { routeFailures } from '../failures.js'
import { safeMethods } from './cookie-guards.js'

/**
 * Requires that both the stored grants and the account are those of an administrator. Records every
 * refusal of an account or a client in the audit log. Runs after the hook that verifies the token.
 */
export function requireAdmin(administration: Administration, audit: AuditTrail): onRequestHookHandler {
  return (request, _reply, done) => {
    check(administration, request)
      .catch(async (error: unknown) => {
        if (isProblem(error)) await recordRefusal(audit, request, error.code)
        throw error
      })
      .then(() => done(), done)
  }
}

async function check(administration: Administration, request: FastifyRequest): Promise<void> {
  const { grants, subject, sessionId } = authOf(request)
  if (isClient(grants)) throw routeFailures.refusal('account_required')
  if (!isAdmin(grants)) throw adminFailures.refusal('admin_required')
  const by = { accountId: subject, sessionId: sessionId ?? '' }
  await administration.checkAdmin(by, { isChange: !safeMethods.has(request.method) })
}

/**
 * Records the refused route as it is declared, without the values that the request put into its
 * path.
 */
function recordRefusal(audit: AuditTrail, request: FastifyRequest, reason: string): Promise<void> {
  const { subject, sessionId } = authOf(request)
  const actor = { accountId: subject, sessionId, address: clientAddress(request) }
  const detail = { reason, method: request.method, route: request.routeOptions.url ?? '' }
  return audit.countRefused('admin_access', actor, { detail })
}
