import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../accounts/account-table.js'
import type { OwnAccount } from '../accounts/own-account.js'
import { actingOf } from '../routes/caller.js'
import type { Page } from './page.js'
import type { Pages } from './pages.js'

/** A request of a browser that is signed in. */
export interface AccountPage extends Page {
  readonly account: Account
}

/** Returns what a page of the own account needs, in the language of the account. */
export type OpenAccountPage = (request: FastifyRequest, reply: FastifyReply) => Promise<AccountPage>

/** Returns the function that opens the pages of the own account, after the guards have passed. */
export function accountPages(pages: Pages, ownAccount: OwnAccount): OpenAccountPage {
  return async (request, reply) => {
    const account = await ownAccount.read(actingOf(request).accountId)
    return { ...(await pages.open(request, reply, account.locale)), account }
  }
}
