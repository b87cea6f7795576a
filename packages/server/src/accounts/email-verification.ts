import type { Clock } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Registration } from '../config/settings.js'
import { networkOf } from '../ip-address.js'
import { type MailQuota, quotaWindowSec } from '../mail/mail-quota.js'
import type { Outbox } from '../mail/outbox.js'
import { Problem } from '../problem.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'
import type { PasswordQueue } from './password-queue.js'

/** What `EmailVerification` works with. */
export interface EmailVerificationOptions {
  readonly store: SqlStore
  readonly actors: Actors
  readonly passwords: PasswordQueue
  readonly guesses: GuessGuard
  readonly tokens: OneTimeTokens
  readonly outbox: Outbox
  readonly quota: MailQuota
  readonly audit: AuditTrail
  readonly clock: Clock
  /** By mail, nobody is told which addresses are taken. */
  readonly registration: Registration
  readonly verifyLinkTtlSec: number
}

/** A mailed link as it is presented, and what shows that its caller holds the account: a session, or the password. */
export interface PresentedLink {
  readonly token: string
  readonly acting?: Acting | undefined
  readonly password?: string | undefined
}

/** A link whose caller holds the account. */
type HeldLink = Pick<OneTimeToken, 'data'> & { readonly holder: table.AccountCondition }

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
   * Mails a link to `email` by which it becomes the account's address, and a notice to the present one; in the caller's transaction,
   * with the account locked. Where one registers by mail the answer does not tell whether it is taken; else fails with `email_taken`.
   * Fails with `rate_limited` after a few changes an hour: each writes to an address of the caller's choice.
   */
  async requestChange(
    client: SqlClient,
    account: table.Account,
    { email, origin }: { readonly email: string; readonly origin: RequestOrigin },
  ): Promise<void> {
    const { tokens, outbox, quota, registration, verifyLinkTtlSec } = this.#options
    const taken = await table.findAccountByEmail(client, email)
    if (taken !== undefined && registration === 'open') throw new Problem('email_taken')
    if (!(await quota.takeChange(client, account.id, networkOf(origin.address)))) {
      throw new Problem('rate_limited', { retryAfterSec: quotaWindowSec })
    }
    // Made in either case, so that both take the same time; where the address is taken the token is not sent.
    const data = { purpose: 'change_email', accountId: account.id, data: { email } } as const
    const link = await tokens.issue(client, data, verifyLinkTtlSec)
    if (taken === undefined) await outbox.add(client, { kind: 'confirm_email', to: email, account: account.id, link })
    else await outbox.notify(client, taken, { kind: 'email_has_account' })
    await outbox.notify(client, account, { kind: 'email_change_requested' })
  }

  /**
   * Uses the link that was mailed to an address: it is verified, or becomes the account's. The link shows who reads the mailbox, not
   * who has the account: a stranger can have registered the address of its reader. So it works only for a caller who holds the
   * account as well, by the session `acting` or by the password. Fails with `link_invalid`, `password_required`, `password_wrong`,
   * `guess_delayed`, `overloaded`, `account_disabled`, `email_taken`, and as
   * `Actors.lock` does.
   */
  async verify(link: PresentedLink, origin: RequestOrigin): Promise<void> {
    const { store, tokens, actors } = this.#options
    const { accountId } = await tokens.find(link.token, 'verify_email', 'change_email')
    if (accountId === null) throw new Problem('link_invalid')
    const passwordHash = await this.#checkHolder(accountId, link, origin)
    await store.transaction(async (client) => {
      // The account before its link, as everywhere.
      if (passwordHash === undefined && link.acting !== undefined) await actors.lock(client, link.acting)
      const account = await table.lockAccount(client, accountId)
      const redeemed = await tokens.redeem(client, link.token, 'verify_email', 'change_email')
      if (account === undefined || redeemed.accountId !== accountId) throw new Problem('link_invalid')
      if (account.disabledAt !== null) throw new Problem('account_disabled')
      const holder = passwordHash === undefined ? { id: accountId } : { id: accountId, passwordHash }
      if (redeemed.purpose === 'change_email') await this.#change(client, account, { holder, ...redeemed })
      else await this.#confirm(client, account, { holder, ...redeemed })
      const event = redeemed.purpose === 'change_email' ? 'email_change' : 'email_verify'
      await this.#audit(client, event, accountId, origin)
    })
  }

  /** The hash that the password was compared with; `undefined` where a session of the account suffices. */
  async #checkHolder(
    accountId: string,
    { acting, password }: PresentedLink,
    origin: RequestOrigin,
  ): Promise<string | undefined> {
    const { store, passwords, guesses } = this.#options
    if (password === undefined) {
      if (acting?.accountId !== accountId) throw new Problem('password_required')
      return undefined
    }
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const bucket = await guesses.admitLink(accountId)
    const stored = await table.findStoredAccount(store, accountId)
    const matches = await guesses.settle(bucket, () => passwords.verify(turn, password, stored?.passwordHash))
    if (stored === undefined || !matches) throw new Problem('password_wrong')
    return stored.passwordHash
  }

  async #confirm(client: SqlClient, { email }: table.Account, { holder, data }: HeldLink): Promise<void> {
    if (data.email !== email) throw new Problem('link_invalid')
    await this.#update(client, holder, { emailVerifiedAt: this.#options.clock.now() })
  }

  async #change(client: SqlClient, account: table.Account, { holder, data }: HeldLink): Promise<void> {
    const { tokens, outbox, clock } = this.#options
    await this.#update(client, holder, { email: data.email, emailVerifiedAt: clock.now() })
    // What was mailed to the old address opens nothing any more.
    await tokens.revokeAll(client, account.id)
    await outbox.notify(client, account, { kind: 'email_changed' })
  }

  async #update(client: SqlClient, holder: table.AccountCondition, change: table.AccountChange): Promise<void> {
    const updated = await table.updateAccount(client, holder, change)
    if (updated === undefined) throw new Problem('password_wrong')
  }

  #audit(client: SqlClient, event: AuditEvent, account: string, { address }: RequestOrigin): Promise<void> {
    return this.#options.audit.append(client, { event, outcome: 'done', actor: account, account, address })
  }
}
