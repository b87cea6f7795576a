import { LatchkeyError } from 'latchkey'
import type { AuditEvent } from '../audit/audit-record.js'
import type { Core } from '../core.js'
import type { GuessGuard } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting } from '../sessions/actors.js'
import * as table from './account-table.js'
import { accountFailures } from './failures.js'
import type { PasswordQueue } from './password-queue.js'
import { recordDelay } from './record-delay.js'

/** The change that needs the password, and the request. */
export interface ReauthenticationContext {
  readonly event: AuditEvent
  readonly origin: RequestOrigin
}

/**
 * Checks the password of a signed-in account before a sensitive change. A stolen token does not
 * include the password, so wrong passwords are counted here as well, for each session.
 */
export class Reauthentication {
  readonly #core: Core
  readonly #passwords: PasswordQueue
  readonly #guesses: GuessGuard

  constructor(core: Core, passwords: PasswordQueue, guesses: GuessGuard) {
    this.#core = core
    this.#passwords = passwords
    this.#guesses = guesses
  }

  /**
   * Returns the acting account if the password is right.
   *
   * @throws Problem `password_wrong`, `guess_delayed`, `overloaded`; LatchkeyError `token_revoked`
   */
  async check(
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
