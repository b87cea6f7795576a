import type { Account } from '../accounts/account-table.js'
import { canonicalEmail } from '../accounts/email-address.js'
import { insertDraft, newAccount } from '../accounts/new-account.js'
import type { PasswordDomain } from '../accounts/open-passwords.js'
import { noPassword } from '../accounts/password.js'
import type { PasswordTask } from '../accounts/password-queue.js'
import type { Core } from '../core.js'
import { type Administrator, type AdministratorRights, isOperator } from './administrator.js'

/** The parts of other domains that provisioning uses. */
interface Dependencies extends PasswordDomain {
  readonly rights: AdministratorRights
}

/** An account to create. */
export interface ProvisionedAccount {
  readonly email: string
  readonly name?: string | undefined
  /** Without a password, sign-in is impossible until a reset link sets one. */
  readonly password?: string | undefined
  /** Whether the administrator confirms that the address belongs to the person. */
  readonly emailVerified: boolean
}

/** Creates accounts for administrators, also where registration is closed. */
export class AccountProvisioning {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Creates an account with its secret. No e-mail is sent.
   *
   * @throws Problem `email_invalid`, `email_taken`, `password_…`, `overloaded`, and those of
   * `AdministratorRights.lock`
   */
  async create(
    by: Administrator,
    { email: given, name, password, emailVerified }: ProvisionedAccount,
  ): Promise<Account> {
    const { store, audit, clock } = this.#core
    const { rights, passwords, passwordPolicy } = this.#dependencies
    const email = canonicalEmail(given)
    const checked = password === undefined ? undefined : passwordPolicy.check(password, { email, name })
    const passwordHash = checked === undefined ? noPassword : await passwords.hash(taskOf(by), checked)
    const createdAt = clock.now()
    const emailVerifiedAt = emailVerified ? createdAt : null
    const draft = newAccount({ email, name: name ?? null, role: 'user', passwordHash, createdAt, emailVerifiedAt })
    return store.transaction(async (client) => {
      await rights.lock(client, by)
      const account = await insertDraft(client, this.#core, draft)
      const detail = { email_verified: emailVerified, password: password !== undefined }
      await audit.done(client, 'register', by, { account: account.id, detail })
      return account
    })
  }
}

function taskOf(by: Administrator): PasswordTask {
  if (isOperator(by)) return { use: 'operator' }
  return { use: 'account', origin: { address: by.address ?? '', userAgent: null }, account: by.accountId }
}
