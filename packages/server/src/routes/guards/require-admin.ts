import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { authOf } from 'latchkey/fastify'
import type { Administration } from '../../admin/administration.js'
import { adminFailures } from '../../admin/failures.js'
import type { AuditTrail } from '../../audit/audit-trail.js'
import { impersonatorOf } from '../../authentication-claims.js'
import { isClient, mayAdminister } from '../../grants.js'
import { clientAddress } from '../../http/client-address.js'
import { isProblem } from '../../problem.js'
import { routeFailures } from '../failures.js'
import { safeMethods } from './cookie-guards.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * For a route of administrators: it changes nothing although its method may change something,
     * because what it asks about does not belong into a URL.
     */
    readsOnly?: true
  }
}

/**
 * Requires that both the stored grants and the account are those of an administrator. An auditor is
 * admitted to routes that only read. A session in which an administrator acts is refused. Records
 * every refusal of an account or a client in the audit log. Runs after the hook that verifies the
 * token.
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
  const auth = authOf(request)
  const { grants, subject, sessionId } = auth
  if (isClient(grants)) throw routeFailures.refusal('account_required')
  const isChange = !safeMethods.has(request.method) && request.routeOptions.config.readsOnly !== true
  const isOwner = impersonatorOf(auth) === undefined
  if (!isOwner || !mayAdminister(grants.role, { isChange })) throw adminFailures.refusal('admin_required')
  await administration.checkAdmin({ accountId: subject, sessionId: sessionId ?? '' }, { isChange })
}

/**
 * Records the refused route as it is declared, without the values that the request put into its
 * path.
 */
function recordRefusal(audit: AuditTrail, request: FastifyRequest, reason: string): Promise<void> {
  const auth = authOf(request)
  const { subject: accountId, sessionId } = auth
  // Without the claim `act`, which an attacker with the signing secret could have written.
  const actor = { accountId, sessionId, address: clientAddress(request) }
  const detail = { reason, method: request.method, route: request.routeOptions.url ?? '' }
  return audit.countRefused('admin_access', actor, { detail })
}
