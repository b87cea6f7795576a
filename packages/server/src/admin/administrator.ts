import type { SqlClient } from 'latchkey/sql'
import { type RecentAuthentication, secondFactorsOf } from '../accounts/recent-authentication.js'
import { operator } from '../audit/operator.js'
import type { Configuration } from '../config/configuration.js'
import { type LockedAccount, lockAccounts } from '../sessions/account-lock.js'
import type { Acting, Actors } from '../sessions/actors.js'
import { adminFailures } from './failures.js'

/** An administrator who acts through the API. */
export interface ActingAdministrator extends Acting {
  readonly address: string | null
}

/** The author of a change to other accounts, as the audit log records it. */
export type Administrator = ActingAdministrator | typeof operator

/** Returns whether the author is the operator. Compared by identity, so that no input can match. */
export function isOperator(by: Administrator): by is typeof operator {
  return by === operator
}

/** Checks the rights of administrators. The operator is trusted. */
export class AdministratorRights {
  readonly #actors: Actors
  readonly #recentAuthentication: RecentAuthentication
  readonly #settings: Pick<Configuration, 'adminSecondFactor'>

  constructor(
    { actors, recentAuthentication }: { readonly actors: Actors; readonly recentAuthentication: RecentAuthentication },
    settings: Pick<Configuration, 'adminSecondFactor'>,
  ) {
    this.#actors = actors
    this.#recentAuthentication = recentAuthentication
    this.#settings = settings
  }

  /**
   * Locks the acting administrator and the changed accounts, and checks that the administrator's
   * rights still hold (C5). It must be the first call in the transaction of a change. An auditor is
   * refused.
   *
   * @returns the locked accounts that exist, by ID
   * @throws Problem `admin_required`, `second_factor_required_for_admin`,
   * `recent_authentication_required`; LatchkeyError those of `Actors.lock`
   */
  async lock(
    client: SqlClient,
    by: Administrator,
    others: readonly string[] = [],
  ): Promise<ReadonlyMap<string, LockedAccount>> {
    if (isOperator(by)) return lockAccounts(client, others)
    const accounts = await this.#actors.lock(client, by, others)
    if (accounts.get(by.accountId)?.role !== 'admin') throw adminFailures.refusal('admin_required')
    await this.checkFactor(client, by, { recent: true })
    return accounts
  }

  /**
   * Checks the session of an administrator: it must have been opened with a second factor, and with
   * `recent` that must be recent. An account without a second factor is refused unless a setting
   * allows it.
   *
   * @throws Problem `second_factor_required_for_admin`, `recent_authentication_required`
   */
  async checkFactor(
    client: SqlClient,
    by: Pick<Acting, 'accountId' | 'sessionId'>,
    { recent }: { readonly recent: boolean },
  ): Promise<void> {
    if ((await secondFactorsOf(client, by.accountId)).length > 0) {
      await this.#recentAuthentication.check(client, by, { acr: 'aal2', recent })
    } else if (this.#settings.adminSecondFactor === 'require') {
      throw adminFailures.refusal('second_factor_required_for_admin')
    }
  }
}
