import { LatchkeyError } from 'latchkey'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Outbox } from '../mail/outbox.js'
import type { GuessGuard, IssuedDeviceToken } from '../protection/guess-guard.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import { canAdminister, requireAdministrator } from './administrators.js'
import { canonicalEmail } from './email-address.js'
import type { EmailVerification } from './email-verification.js'
import { accountFailures } from './failures.js'
import type { Reauthentication } from './reauthentication.js'

interface Dependencies {
  readonly actors: Actors
  readonly guesses: GuessGuard
  readonly outbox: Outbox
  readonly emails: EmailVerification
  readonly reauthentication: Reauthentication
}

/** A change of the account by its owner; `undefined` leaves a member as it is. */
export interface OwnAccountChange {
  readonly email?: string | undefined
  readonly name?: string | null | undefined
  /** One of the languages of the server; `null`: none of its own. */
  readonly locale?: string | null | undefined
  /** The password, which a change of the address needs. */
  readonly password?: string | undefined
}

/**
 * Changes that an account makes to itself. Each one is a transaction in which the actor is locked
 * (C5).
 */
export class OwnAccount {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /** Returns the account of a token. Throws `token_revoked` if it was deleted. */
  async read(accountId: string): Promise<table.Account> {
    const account = await table.findAccount(this.#core.store, accountId)
    if (account === undefined) throw new LatchkeyError('token_revoked')
    return account
  }

  /**
   * Changes the name and the language, and requests a change of address, which needs the password
   * and takes effect once it is confirmed from the new address.
   *
   * @throws Problem `password_required`, `recent_authentication_required`, `password_wrong`,
   * `email_invalid`, `email_taken`, `mail_unavailable`
   */
  async update(acting: Acting, input: OwnAccountChange, origin: RequestOrigin): Promise<table.Account> {
    const { store, audit } = this.#core
    const { actors, outbox, emails, reauthentication } = this.#dependencies
    if (input.email !== undefined && input.password === undefined) throw accountFailures.refusal('password_required')
    const email = input.email === undefined ? undefined : canonicalEmail(input.email)
    const changesProfile = input.name !== undefined || input.locale !== undefined
    if (email === undefined && !changesProfile) return this.read(acting.accountId)
    if (email !== undefined) outbox.checkEnabled()
    const event = email === undefined ? 'profile_change' : 'email_change_request'
    const stored =
      input.password === undefined ? undefined : await reauthentication.check(acting, input.password, { event, origin })
    const name = input.name === undefined ? stored?.name : input.name
    const { locale } = input
    const actor = { ...acting, address: origin.address }
    return store.transaction(async (client) => {
      await actors.lock(client, acting)
      if (email !== undefined) await reauthentication.checkAgain(client, acting)
      const updated = await table.updateAccount(client, stored ?? { id: acting.accountId }, { name, locale })
      if (updated === undefined) throw new LatchkeyError('token_revoked')
      if (changesProfile) await audit.done(client, 'profile_change', actor)
      if (email === undefined || email === updated.email) return updated
      await emails.requestChange(client, updated, { email, origin })
      await audit.done(client, 'email_change_request', actor)
      return updated
    })
  }

  /**
   * Deletes the account with its sessions and its secret.
   *
   * @throws Problem `recent_authentication_required`, `password_wrong`, `last_administrator`
   */
  async delete(acting: Acting, password: string, origin: RequestOrigin): Promise<void> {
    const { store, keys, audit } = this.#core
    const { actors, reauthentication } = this.#dependencies
    const stored = await reauthentication.check(acting, password, { event: 'account_delete', origin })
    await store.transaction(async (client) => {
      await actors.lock(client, acting)
      await reauthentication.checkAgain(client, acting)
      const latest = await table.findAccount(client, acting.accountId)
      const deleted = await table.deleteAccount(client, stored)
      if (latest === undefined || !deleted) throw accountFailures.refusal('password_wrong')
      await keys.forget(acting.accountId, { client })
      if (canAdminister(latest, this.#settings)) await requireAdministrator(client, this.#settings)
      await audit.done(client, 'account_delete', { ...acting, address: origin.address })
    })
  }

  /**
   * Issues a device token for another device of the owner.
   *
   * @throws Problem `recent_authentication_required`, `password_wrong`, `guess_delayed`
   */
  async addDevice(acting: Acting, password: string, origin: RequestOrigin): Promise<IssuedDeviceToken> {
    const { store, audit } = this.#core
    const { actors, guesses, reauthentication } = this.#dependencies
    await reauthentication.check(acting, password, { event: 'device_add', origin })
    return store.transaction(async (client) => {
      await actors.lock(client, acting)
      await reauthentication.checkAgain(client, acting)
      await audit.done(client, 'device_add', { ...acting, address: origin.address })
      return guesses.issueDeviceToken(client, acting.accountId)
    })
  }
}
