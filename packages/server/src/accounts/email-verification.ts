import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { networkOf } from '../ip-address.js'
import { type MailQuota, quotaWindowSec } from '../mail/mail-quota.js'
import type { Outbox } from '../mail/outbox.js'
import { protectionFailures } from '../protection/failures.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import { tryCanonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import type { OneTimeToken, OneTimeTokens } from './one-time-tokens.js'
import type { PasswordQueue } from './password-queue.js'

/** The parts of other domains that e-mail verification uses. */
interface Dependencies {
  readonly actors: Actors
  readonly passwords: PasswordQueue
  readonly guesses: GuessGuard
  readonly oneTimeTokens: OneTimeTokens
  readonly outbox: Outbox
  readonly quota: MailQuota
}

/** A mailed link with the proof that its caller owns the account: a session, or the password. */
export interface PresentedLink {
  readonly token: string
  readonly acting?: Acting | undefined
  readonly password?: string | undefined
}

/** A link whose caller owns the account. */
type HeldLink = Pick<OneTimeToken, 'data'> & { readonly holder: table.AccountCondition }

/** Verifies addresses by mailed links; an address changes in no other way. */
export class EmailVerification {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'registration' | 'mail'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'registration' | 'mail'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /** Requests another verification link; the same for every address. Throws `mail_unavailable`. */
  async askForLink(email: string, { address }: RequestOrigin): Promise<void> {
    const { outbox } = this.#dependencies
    outbox.checkServed()
    await outbox.add(this.#core.store, {
      kind: 'ask_verification',
      to: tryCanonicalEmail(email),
      account: null,
      origin: address,
    })
  }

  /**
   * Mails a link to `email` by which it becomes the account's address, and a notice to the present one;
   * in the caller's transaction, with the account locked.
   *
   * @throws Problem `email_taken`, except where registration is by mail and answers must not reveal it;
   * `rate_limited` after a few changes an hour, since each sends mail to an address that the caller chose
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
    // Issued in either case, so that both take the same time; if the address is taken it is not sent.
    const data = { purpose: 'change_email', accountId: account.id, data: { email } } as const
    const link = await oneTimeTokens.issue(client, data, mail.verifyLinkTtlSec)
    if (taken === undefined) await outbox.add(client, { kind: 'confirm_email', to: email, account: account.id, link })
    else await outbox.notify(client, taken, { kind: 'email_has_account' })
    await outbox.notify(client, account, { kind: 'email_change_requested' })
  }

  /**
   * Redeems a link that was mailed to an address: the address is verified, or becomes the account's. The
   * link proves access to the mailbox, not ownership of the account: an attacker may have registered
   * the address of its reader. The caller must therefore own the account as well, by the session
   * `acting` or by the password.
   *
   * @throws Problem `link_invalid`, `password_required`, `password_wrong`, `guess_delayed`,
   * `overloaded`, `account_disabled`, `email_taken`, and as `Actors.lock`
   */
  async verify(link: PresentedLink, origin: RequestOrigin): Promise<void> {
    const { store, audit } = this.#core
    const { oneTimeTokens, actors } = this.#dependencies
    const { accountId } = await oneTimeTokens.find(link.token, 'verify_email', 'change_email')
    if (accountId === null) throw accountFailures.refusal('link_invalid')
    const passwordHash = await this.#checkHolder(accountId, link, origin)
    await store.transaction(async (client) => {
      // The account before its link, as everywhere.
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

  /** Returns the hash that the password matched; `undefined` if a session of the account is the proof. */
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
    const turn = { use: 'link', origin } as const
    passwords.checkRoom(turn)
    const bucket = await guesses.admitLink(accountId)
    const stored = await table.findStoredAccount(this.#core.store, accountId)
    const matches = await guesses.settle(bucket, () => passwords.verify(turn, password, stored?.passwordHash))
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
    // Links that were mailed to the old address end.
    await oneTimeTokens.revokeAll(client, account.id)
    await outbox.notify(client, account, { kind: 'email_changed' })
  }

  async #update(client: SqlClient, holder: table.AccountCondition, change: table.AccountChange): Promise<void> {
    const updated = await table.updateAccount(client, holder, change)
    if (updated === undefined) throw accountFailures.refusal('password_wrong')
  }
}
