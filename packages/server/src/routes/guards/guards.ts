import type { onRequestHookHandler } from 'fastify'
import type { Latchkey } from 'latchkey'
import { requireAuth } from 'latchkey/fastify'
import type { Administration } from '../../admin/administration.js'
import type { AuditTrail } from '../../audit/audit-trail.js'
import type { TrustedPages } from '../../http/trusted-pages.js'
import { accessCookie } from '../session-cookies.js'
import { guardChanges, guardCookies } from './cookie-guards.js'
import { limitImpersonation } from './limit-impersonation.js'
import { requireAccount } from './require-account.js'
import { requireAdmin } from './require-admin.js'

/** Hooks that refuse requests. Those of one list run in its order. */
export interface Guards {
  /** Requires a valid access token, of an account or of a client. */
  readonly token: readonly onRequestHookHandler[]
  /**
   * Requires a valid access token of an account, and refuses cross-site requests (CSRF) and changes
   * by an administrator who acts in the session.
   */
  readonly account: readonly onRequestHookHandler[]
  /** Requires the same of an administrator, or of an auditor where the route only reads. */
  readonly administrator: readonly onRequestHookHandler[]
  /** The part of it that reads the account, for answers that last longer than a moment. */
  readonly administratorAgain: readonly onRequestHookHandler[]
  /** Refuses requests for cookies that no trusted page sent (login CSRF). */
  readonly cookies: onRequestHookHandler
}

export interface GuardsDependencies {
  readonly latchkey: Latchkey
  readonly pages: TrustedPages
  readonly administration: Administration
  readonly audit: AuditTrail
}

/** Creates the guards that the plugins of routes share. */
export function createGuards({ latchkey, pages, administration, audit }: GuardsDependencies): Guards {
  // `guardChanges` and forward-auth check the site that caused a request, by stricter rules.
  const token = requireAuth(latchkey, { cookie: accessCookie, csrf: false })
  const guarded = [token, guardChanges(pages)]
  const admin = requireAdmin(administration, audit)
  return {
    token: [token],
    account: [...guarded, requireAccount, limitImpersonation],
    administrator: [...guarded, admin],
    administratorAgain: [admin],
    cookies: guardCookies(pages),
  }
}
