import * as table from '../accounts/account-table.js'
import { accountFailures } from '../accounts/failures.js'
import { noPassword } from '../accounts/password.js'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { Outbox } from '../mail/outbox.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Administrator, AdministratorRights } from './administrator.js'
import { adminFailures } from './failures.js'

interface Dependencies {
  readonly rights: AdministratorRights
  readonly sessions: Sessions
  readonly challenges: Challenges
  readonly trustedDevices: TrustedDevices
  readonly outbox: Outbox
}

/**
 * Requires a new password of the owner of an account. The old password is deleted, because a
 * password that must only be changed later still opens a session for a thief.
 */
export class PasswordRequirements {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Deletes the password, ends every session and every token, and mails the owner a link that sets
   * a new password. Passkeys still sign in, because they are no passwords.
   *
   * Only where the letter can reach the owner: an unverified address may belong to a third party,
   * and a reset of an account without a password would keep what its creator has written in it.
   *
   * @throws Problem `account_unknown`, `own_account`, `account_disabled`, `email_unverified`,
   * `mail_unavailable`; and those of `AdministratorRights.lock`
   */
  async require(by: Administrator, id: string): Promise<table.Account> {
    const { store, audit, keys } = this.#core
    const { rights, sessions, challenges, trustedDevices, outbox } = this.#dependencies
    if (by.accountId === id) throw adminFailures.refusal('own_account')
    outbox.checkEnabled()
    return store.transaction(async (client) => {
      await rights.lock(client, by, [id])
      const account = await table.findAccount(client, id)
      if (account === undefined) throw accountFailures.refusal('account_unknown')
      if (account.disabledAt !== null)
        throw accountFailures.refusal('account_disabled', { hint: 'Enable the account first.' })
      if (account.emailVerifiedAt === null)
        throw accountFailures.refusal('email_unverified', { hint: 'Create a reset link to hand out instead.' })
      await table.updateAccount(client, { id }, { passwordHash: noPassword })
      await sessions.endAll(client, id, 'ended_by_admin')
      // A challenge states that the old password was right.
      await challenges.revokeAll(client, id)
      await trustedDevices.revokeAll(client, id)
      await outbox.add(client, {
        kind: 'ask_reset',
        to: account.email,
        account: null,
        origin: by.address ?? 'cli',
        locale: account.locale,
      })
      await keys.revoke(id, { client })
      await audit.done(client, 'password_require', by, { account: id })
      return account
    })
  }
}
