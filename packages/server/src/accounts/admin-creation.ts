import { operator } from '../audit/operator.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { grantsOfAccount, rightsOf, storeGrants } from '../grants.js'
import * as table from './account-table.js'
import { canAdminister, hasAdministrator, requireAdministrator } from './administrators.js'
import { canonicalEmail } from './email-address.js'
import { accountFailures } from './failures.js'
import { draftAccount, insertDraft } from './new-account.js'
import type { PasswordDomain } from './open-passwords.js'

/** The account that the operator creates or promotes. */
export interface NewAdministrator {
  readonly email: string
  readonly password: string
  /** @defaultValue `admin` */
  readonly role?: Exclude<table.Role, 'user'> | undefined
}

/** Creates administrators and auditors for the operator. No route uses it. */
export class AdminCreation {
  readonly #core: Core
  readonly #passwordDomain: PasswordDomain
  readonly #settings: Pick<Configuration, 'unverifiedSignIn'>

  constructor(core: Core, passwordDomain: PasswordDomain, settings: Pick<Configuration, 'unverifiedSignIn'>) {
    this.#core = core
    this.#passwordDomain = passwordDomain
    this.#settings = settings
  }

  /**
   * Creates an account with the role `admin` or `auditor`. If the address has an account already
   * and the password is right, that account gets the role.
   *
   * @throws Problem `password_wrong`, `account_disabled`, `email_invalid`, `password_…`,
   * `last_administrator`
   */
  async createAdmin({
    role = 'admin',
    ...input
  }: NewAdministrator): Promise<{ account: table.Account; created: boolean }> {
    const { store, audit } = this.#core
    const existing = await table.findStoredAccountByEmail(store, canonicalEmail(input.email))
    if (existing !== undefined) {
      return { account: await this.#setRole(existing, input.password, role), created: false }
    }
    const parts = { ...this.#core, ...this.#passwordDomain }
    const draft = await draftAccount(parts, input, { role, task: { use: 'operator' } })
    // The operator has verified the address.
    const verified = { ...draft, emailVerifiedAt: draft.createdAt }
    const account = await store.transaction(async (client) => {
      const inserted = await insertDraft(client, this.#core, verified)
      const subject = { account: inserted.id, detail: { role: inserted.role } }
      await audit.done(client, 'register', operator, subject)
      return inserted
    })
    return { account, created: true }
  }

  /** Returns whether an account can use the admin routes. */
  hasAdmin(): Promise<boolean> {
    return hasAdministrator(this.#core.store, this.#settings)
  }

  async #setRole(existing: table.StoredAccount, password: string, role: table.Role): Promise<table.Account> {
    const { store, keys, audit } = this.#core
    const { passwords } = this.#passwordDomain
    if (!(await passwords.verify({ use: 'operator' }, password, existing.passwordHash)))
      throw accountFailures.refusal('password_wrong')
    if (existing.disabledAt !== null) throw accountFailures.refusal('account_disabled')
    if (existing.role === role) return table.withoutHash(existing)
    return store.transaction(async (client) => {
      const changed = await table.updateAccount(client, existing, { role })
      if (changed === undefined) throw accountFailures.refusal('password_wrong')
      await storeGrants(client, keys, { tenant: existing.id, grants: grantsOfAccount(changed) })
      if (canAdminister(existing, this.#settings)) await requireAdministrator(client, this.#settings)
      const detail = { before: rightsOf(existing), after: rightsOf(changed) }
      await audit.done(client, 'role_change', operator, { account: existing.id, detail })
      return changed
    })
  }
}
