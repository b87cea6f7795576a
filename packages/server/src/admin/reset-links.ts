import type { SqlStore } from 'latchkey/sql'
import { findAccount } from '../accounts/account-table.js'
import type { OneTimeTokens } from '../accounts/one-time-tokens.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { linkUrl } from '../mail/link-url.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import type { Actors } from '../sessions/actors.js'
import { type Administrator, isOperator, lockAdministrator } from './administrator.js'

/** Options of `ResetLinks`. */
export interface ResetLinksOptions {
  readonly store: SqlStore
  readonly actors: Actors
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly audit: AuditTrail
  readonly resetLinkTtlSec: number
  /** The URL under which the linked pages are. */
  readonly linkBase: string
}

/** A link to hand out. */
export interface HandedLink {
  readonly url: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Makes links to set a new password, for administrators to hand out where mail does not reach the person. */
export class ResetLinks {
  readonly #options: ResetLinksOptions

  constructor(options: ResetLinksOptions) {
    this.#options = options
  }

  /**
   * Makes a link that works once and ends every earlier one of the account, also one that was mailed.
   * The owner is informed by mail if the address is verified.
   *
   * A stolen session of one administrator must not become the accounts of all the others, under whose
   * names it would then act: only the operator makes a link for an administrator.
   *
   * @throws Problem `account_unknown`, `account_disabled`, `administrator_protected`; and as
   * `lockAdministrator`
   */
  async create(by: Administrator, id: string): Promise<HandedLink> {
    const { store, tokens, outbox, audit, resetLinkTtlSec, linkBase } = this.#options
    return store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by, [id])
      const account = await findAccount(client, id)
      if (account === undefined) throw new Problem('account_unknown')
      if (account.role === 'admin' && !isOperator(by)) throw new Problem('administrator_protected')
      if (account.disabledAt !== null) throw new Problem('account_disabled', { hint: 'Enable the account first.' })
      await tokens.revoke(client, id, 'reset_password')
      const data = { email: account.email, madeBy: isOperator(by) ? null : by.accountId }
      const link = await tokens.issue(client, { purpose: 'handed_reset', accountId: id, data }, resetLinkTtlSec)
      await outbox.notify(client, account, { kind: 'reset_link_made' })
      const { accountId: actor, sessionId: session, address } = by
      await audit.append(client, { event: 'reset_link_create', outcome: 'done', actor, account: id, session, address })
      return { url: linkUrl(linkBase, 'reset_password', link), expiresAt: link.expiresAt }
    })
  }
}
