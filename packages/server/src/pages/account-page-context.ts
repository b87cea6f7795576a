import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../accounts/account-table.js'
import type { OwnAccount } from '../accounts/own-account.js'
import { actingOf } from '../routes/caller.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Page } from './page.js'
import type { Pages } from './pages.js'

/** A request of a browser that is signed in. */
export interface AccountPage extends Page {
  readonly account: Account
}

/** Returns what a page of the own account needs, in the language of the account. */
export type OpenAccountPage = (request: FastifyRequest, reply: FastifyReply) => Promise<AccountPage>

/**
 * Returns the function that opens the pages of the own account, after the guards have passed. If an
 * administrator acts in the session, each page says so.
 */
export function accountPages(pages: Pages, ownAccount: OwnAccount, sessions: Sessions): OpenAccountPage {
  return async (request, reply) => {
    const { accountId, sessionId, impersonatorId } = actingOf(request)
    const account = await ownAccount.read(accountId)
    const page = await pages.open(request, reply, account.locale)
    if (impersonatorId === undefined) return { ...page, account }
    const session = (await sessions.list(accountId)).find(({ id }) => id === sessionId)
    const endsAt = session?.expiresAt ?? 0
    const acting: AccountPage = {
      ...page,
      account,
      impersonation: { email: account.email, endsAt },
      send: (view, status) => pages.send(acting, view, status),
    }
    return acting
  }
}
