import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { Account } from '../accounts/account-table.js'
import { canonicalEmail } from '../accounts/email-address.js'
import { insertDraft, newAccount } from '../accounts/new-account.js'
import { noPassword } from '../accounts/password.js'
import type { PasswordPolicy } from '../accounts/password-policy.js'
import type { PasswordQueue, PasswordTurn } from '../accounts/password-queue.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import type { Actors } from '../sessions/actors.js'
import { type Administrator, isOperator, lockAdministrator } from './administrator.js'

/** Options of `AccountProvisioning`. */
export interface AccountProvisioningOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly actors: Actors
  readonly passwords: PasswordQueue
  readonly policy: PasswordPolicy
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** An account that an administrator makes. */
export interface ProvisionedAccount {
  readonly email: string
  readonly name?: string | undefined
  /** Without one, nobody can sign in before a password is set by a reset link. */
  readonly password?: string | undefined
  /** Whether the administrator knows that the person reads what is mailed to the address. */
  readonly emailVerified: boolean
}

/** Makes accounts for administrators, however registration is set. */
export class AccountProvisioning {
  readonly #options: AccountProvisioningOptions

  constructor(options: AccountProvisioningOptions) {
    this.#options = options
  }

  /**
   * Makes an account with its secret. Nothing is mailed. Fails with `email_invalid`, `email_taken`,
   * `password_…`, `overloaded`, and as `lockAdministrator` does.
   */
  async create(
    by: Administrator,
    { email: given, name, password, emailVerified }: ProvisionedAccount,
  ): Promise<Account> {
    const { store, passwords, policy, audit, clock } = this.#options
    const email = canonicalEmail(given)
    const passwordHash =
      password === undefined ? noPassword : await passwords.hash(turnOf(by), policy.check(password, { email, name }))
    const createdAt = clock.now()
    const emailVerifiedAt = emailVerified ? createdAt : null
    const draft = newAccount({ email, name: name ?? null, role: 'user', passwordHash, createdAt, emailVerifiedAt })
    return store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      const account = await insertDraft(client, this.#options, draft)
      const { accountId: actor, sessionId: session, address } = by
      const detail = { email_verified: emailVerified, password: password !== undefined }
      const entry = {
        event: 'register',
        outcome: 'done',
        actor,
        account: account.id,
        session,
        address,
        detail,
      } as const
      await audit.append(client, entry)
      return account
    })
  }
}

function turnOf(by: Administrator): PasswordTurn {
  if (isOperator(by)) return { use: 'operator' }
  return { use: 'account', origin: { address: by.address ?? '', userAgent: null }, account: by.accountId }
}
