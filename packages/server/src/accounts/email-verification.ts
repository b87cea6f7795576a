import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Registration } from '../config/settings.js'
import type { Letter } from '../mail/letter.js'
import type { MailQuota } from '../mail/mail-quota.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import type { RequestOrigin } from '../request-origin.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'

/** What `EmailVerification` works with. */
export interface EmailVerificationOptions {
  readonly store: SqlStore
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly quota: MailQuota
  readonly audit: AuditTrail
  readonly clock: Clock
  /** By mail, nobody is told which addresses are taken. */
  readonly registration: Registration
  readonly verifyLinkTtlSec: number
}

/** Shows by mailed links that an address is its account's owner's, and changes addresses only so. */
export class EmailVerification {
  readonly #options: EmailVerificationOptions

  constructor(options: EmailVerificationOptions) {
    this.#options = options
  }

  /** Asks for the link that verifies an address once more; the same for every address. Fails with `mail_unavailable`. */
  async askForLink(email: string, { address }: RequestOrigin): Promise<void> {
    const { store, outbox } = this.#options
    outbox.checkServed()
    await outbox.add(store, { kind: 'ask_verification', to: tryCanonicalEmail(email), account: null, origin: address })
  }

  /**
   * Has the owner of `email` asked whether it shall be the account's address, and tells the present one; in the caller's transaction, with the account
   * locked. Where one registers by mail the answer does not tell whether it is taken; else fails with `email_taken`.
   */
  async requestChange(client: SqlClient, account: table.Account, email: string): Promise<void> {
    const { tokens, outbox, quota, registration, verifyLinkTtlSec } = this.#options
    const taken = (await table.findStoredAccountByEmail(client, email)) !== undefined
    if (taken && registration === 'open') throw new Problem('email_taken')
    // Made in either case, so that both take the same time; where the address is taken nobody learns the token.
    const data = { purpose: 'change_email', accountId: account.id, data: { email } } as const
    const link = await tokens.issue(client, data, verifyLinkTtlSec)
    const { id, email: present } = account
    const letters: readonly [quota: string, letter: Letter][] = [
      [
        'change',
        taken
          ? { kind: 'email_has_account', to: email, account: null }
          : { kind: 'confirm_email', to: email, account: id, link },
      ],
      ['change requested', { kind: 'email_change_requested', to: present, account: id, newEmail: email }],
    ]
    // By address, so that two transactions that count for the same mailboxes do it in one order.
    for (const [kind, letter] of present < email ? letters.toReversed() : letters) {
      if (await quota.take(client, kind, letter.to)) await outbox.add(client, letter)
    }
  }

  /** Uses the link that was mailed to an address: it is verified, or becomes the account's. Fails with `link_invalid`, `account_disabled`, `email_taken`. */
  async verify(token: string, origin: RequestOrigin): Promise<void> {
    const { store, tokens } = this.#options
    const { accountId } = await tokens.find(token, 'verify_email', 'change_email')
    await store.transaction(async (client) => {
      // The account before its link, as everywhere.
      const account = accountId === null ? undefined : await table.lockAccount(client, accountId)
      const redeemed = await tokens.redeem(client, token, 'verify_email', 'change_email')
      if (account === undefined || redeemed.accountId !== account.id) throw new Problem('link_invalid')
      if (account.disabledAt !== null) throw new Problem('account_disabled')
      if (redeemed.purpose === 'change_email') await this.#change(client, account, redeemed)
      else await this.#confirm(client, account, redeemed)
      await this.#audit(
        client,
        redeemed.purpose === 'change_email' ? 'email_change' : 'email_verify',
        account.id,
        origin,
      )
    })
  }

  async #confirm(client: SqlClient, { id, email }: table.Account, { data }: OneTimeToken): Promise<void> {
    if (data.email !== email) throw new Problem('link_invalid')
    await table.updateAccount(client, { id }, { emailVerifiedAt: this.#options.clock.now() })
  }

  async #change(client: SqlClient, { id, email }: table.Account, { data }: OneTimeToken): Promise<void> {
    const { tokens, outbox, clock } = this.#options
    await table.updateAccount(client, { id }, { email: data.email, emailVerifiedAt: clock.now() })
    // What was mailed to the old address opens nothing any more.
    await tokens.revokeAll(client, id)
    await outbox.add(client, { kind: 'email_changed', to: email, account: id, newEmail: data.email })
  }

  #audit(client: SqlClient, event: AuditEvent, account: string, { address }: RequestOrigin): Promise<void> {
    return this.#options.audit.append(client, { event, outcome: 'done', actor: account, account, address })
  }
}
