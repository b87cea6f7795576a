import { LatchkeyError } from 'latchkey'
import type { SqlClient } from 'latchkey/sql'
import type { AuditEvent } from '../audit/audit-record.js'
import type { Core } from '../core.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting } from '../sessions/actors.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { PasswordQueue } from './password-queue.js'
import type { RecentAuthentication } from './recent-authentication.js'
import { recordDelay } from './record-delay.js'

/** The change that needs the password, and the request. */
export interface ReauthenticationContext {
  readonly event: AuditEvent
  readonly origin: RequestOrigin
}

interface Dependencies {
  readonly passwords: PasswordQueue
  readonly guesses: GuessGuard
  readonly recentAuthentication: RecentAuthentication
}

/**
 * Checks the password of a signed-in account before a sensitive change. A stolen token does not
 * include the password, so wrong passwords are counted here as well, for each session. An account
 * with a second factor must have shown that one recently too.
 */
export class Reauthentication {
  readonly #core: Core
  readonly #passwords: PasswordQueue
  readonly #guesses: GuessGuard
  readonly #recentAuthentication: RecentAuthentication

  constructor(core: Core, { passwords, guesses, recentAuthentication }: Dependencies) {
    this.#core = core
    this.#passwords = passwords
    this.#guesses = guesses
    this.#recentAuthentication = recentAuthentication
  }

  /**
   * Returns the acting account if the password is right. Call `checkAgain` in the transaction of
   * the change.
   *
   * @throws Problem `recent_authentication_required` before the password is compared; else as
   * `checkPassword`
   */
  async check(acting: Acting, password: string, context: ReauthenticationContext): Promise<table.StoredAccount> {
    await this.#recentAuthentication.checkBesidePassword(this.#core.store, acting)
    return this.checkPassword(acting, password, context)
  }

  /**
   * Checks the session again where the change is written (C5), after `Actors.lock`: a factor may
   * have been added meanwhile.
   *
   * @throws Problem `recent_authentication_required`
   */
  checkAgain(client: SqlClient, acting: Acting): Promise<void> {
    return this.#recentAuthentication.checkBesidePassword(client, acting)
  }

  /**
   * Returns the acting account if the password is right, whatever else the account has.
   *
   * @throws Problem `password_wrong`, `guess_delayed`, `overloaded`; LatchkeyError `token_revoked`
   */
  async checkPassword(
    acting: Acting,
    password: string,
    { event, origin }: ReauthenticationContext,
  ): Promise<table.StoredAccount> {
    const { store, audit } = this.#core
    const { accountId, sessionId } = acting
    const stored = await table.findStoredAccount(store, accountId)
    if (stored === undefined) throw new LatchkeyError('token_revoked')
    const task = { use: 'account', origin, account: accountId } as const
    this.#passwords.checkRoom(task)
    const actor = { ...acting, address: origin.address }
    const bucket = await recordDelay(audit, this.#guesses.admitSession(sessionId), { actor })
    if (await this.#guesses.settle(bucket, () => this.#passwords.verify(task, password, stored.passwordHash)))
      return stored
    const refusal = accountFailures.refusal('password_wrong')
    await audit.countRefused(event, actor, { detail: { reason: refusal.code } })
    throw refusal
  }
}
