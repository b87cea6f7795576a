import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { networkOf } from '../ip-address.js'
import { type MailQuota, quotaWindowSec } from '../mail/mail-quota.js'
import type { Outbox } from '../mail/outbox.js'
import type { Messages } from '../messages/messages.js'
import { protectionFailures } from '../protection/failures.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'
import type { PasswordQueue } from './password-queue.js'

interface Dependencies {
  readonly actors: Actors
  readonly passwords: PasswordQueue
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly outbox: Outbox
  readonly messages: Messages
  readonly quota: MailQuota
}

/** A mailed link, with a proof that the caller owns the account: a session or the password. */
export interface PresentedLink {
  readonly token: string
  readonly acting?: Acting | undefined
  readonly password?: string | undefined
}

/** A link whose caller has proved to own the account. */
type HeldLink = Pick<Extract<OneTimeToken, { purpose: 'verify_email' | 'change_email' }>, 'data'> & {
  readonly holder: table.AccountCondition
}

/** Verifies addresses by mailed links. An address is changed in no other way. */
export class EmailVerification {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'registration' | 'mail'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'registration' | 'mail'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Requests another verification link. The answer is the same for every address. Throws
   * `mail_unavailable`.
   */
  async requestLink(email: string, { address, acceptLanguage }: RequestOrigin): Promise<void> {
    const { outbox, messages } = this.#dependencies
    outbox.checkEnabled()
    await outbox.add(this.#core.store, {
      kind: 'ask_verification',
      to: tryCanonicalEmail(email),
      account: null,
      origin: address,
      locale: messages.requested(acceptLanguage),
    })
  }

  /**
   * Mails a link to `email` that makes it the address of the account, and a notice to the current
   * address. Works in the caller's transaction, with the account locked.
   *
   * @throws Problem `email_taken`, except where registration is by mail and answers must not reveal
   * it; `rate_limited` after a few changes an hour, since each sends mail to an address that the
   * caller chose
   */
  async requestChange(
    client: SqlClient,
    account: table.Account,
    { email, origin }: { readonly email: string; readonly origin: RequestOrigin },
  ): Promise<void> {
    const { oneTimeTokens, outbox, quota } = this.#dependencies
    const { registration, mail } = this.#settings
    const taken = await table.findAccountByEmail(client, email)
    if (taken !== undefined && registration === 'open') throw accountFailures.refusal('email_taken')
    if (!(await quota.takeChange(client, account.id, networkOf(origin.address)))) {
      throw protectionFailures.refusal('rate_limited', { retryAfterSec: quotaWindowSec })
    }
    // Issued in either case, so that both take the same time. If the address is taken, it is not
    // sent.
    const data = { purpose: 'change_email', accountId: account.id, data: { email } } as const
    const link = await oneTimeTokens.issue(client, data, mail.verifyLinkTtlSec)
    const { id, locale } = account
    if (taken === undefined) await outbox.add(client, { kind: 'confirm_email', to: email, account: id, locale, link })
    else await outbox.notify(client, taken, { kind: 'email_has_account' })
    await outbox.notify(client, account, { kind: 'email_change_requested' })
  }

  /**
   * Redeems a mailed link: verifies the address, or makes it the address of the account. The link
   * proves access to the mailbox, but not ownership of the account: an attacker may have registered
   * the address of another person. The caller must therefore also prove ownership, by the session
   * `acting` or by the password.
   *
   * @throws Problem `link_invalid`, `password_required`, `password_wrong`, `guess_delayed`,
   * `overloaded`, `account_disabled`, `email_taken`, and the codes of `Actors.lock`
   */
  async verify(link: PresentedLink, origin: RequestOrigin): Promise<void> {
    const { store, audit } = this.#core
    const { oneTimeTokens, actors } = this.#dependencies
    const { accountId } = await oneTimeTokens.find(link.token, 'verify_email', 'change_email')
    if (accountId === null) throw accountFailures.refusal('link_invalid')
    const passwordHash = await this.#checkHolder(accountId, link, origin)
    await store.transaction(async (client) => {
      // Same lock order as everywhere: the account before its link.
      if (passwordHash === undefined && link.acting !== undefined) await actors.lock(client, link.acting)
      const account = await table.lockAccount(client, accountId)
      const redeemed = await oneTimeTokens.redeem(client, link.token, 'verify_email', 'change_email')
      if (account === undefined || redeemed.accountId !== accountId) throw accountFailures.refusal('link_invalid')
      if (account.disabledAt !== null) throw accountFailures.refusal('account_disabled')
      const holder = passwordHash === undefined ? { id: accountId } : { id: accountId, passwordHash }
      if (redeemed.purpose === 'change_email') await this.#change(client, account, { holder, ...redeemed })
      else await this.#confirm(client, account, { holder, ...redeemed })
      const event = redeemed.purpose === 'change_email' ? 'email_change' : 'email_verify'
      await audit.done(client, event, { accountId, address: origin.address })
    })
  }

  /** Returns the hash that the password matched; `undefined` if a session is the proof. */
  async #checkHolder(
    accountId: string,
    { acting, password }: PresentedLink,
    origin: RequestOrigin,
  ): Promise<string | undefined> {
    const { passwords, guesses } = this.#dependencies
    if (password === undefined) {
      if (acting?.accountId !== accountId) throw accountFailures.refusal('password_required')
      return undefined
    }
    const task = { use: 'link', origin } as const
    passwords.checkRoom(task)
    const bucket = await guesses.admitLink(accountId)
    const stored = await table.findStoredAccount(this.#core.store, accountId)
    const matches = await guesses.settle(bucket, () => passwords.verify(task, password, stored?.passwordHash))
    if (stored === undefined || !matches) throw accountFailures.refusal('password_wrong')
    return stored.passwordHash
  }

  async #confirm(client: SqlClient, { email }: table.Account, { holder, data }: HeldLink): Promise<void> {
    if (data.email !== email) throw accountFailures.refusal('link_invalid')
    await this.#update(client, holder, { emailVerifiedAt: this.#core.clock.now() })
  }

  async #change(client: SqlClient, account: table.Account, { holder, data }: HeldLink): Promise<void> {
    const { oneTimeTokens, outbox } = this.#dependencies
    await this.#update(client, holder, { email: data.email, emailVerifiedAt: this.#core.clock.now() })
    // Links that were mailed to the old address become invalid.
    await oneTimeTokens.revokeAll(client, account.id)
    await outbox.notify(client, account, { kind: 'email_changed' })
  }

  async #update(client: SqlClient, holder: table.AccountCondition, change: table.AccountChange): Promise<void> {
    const updated = await table.updateAccount(client, holder, change)
    if (updated === undefined) throw accountFailures.refusal('password_wrong')
  }
}
