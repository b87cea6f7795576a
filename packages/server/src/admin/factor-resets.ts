import type { SqlClient } from 'latchkey/sql'
import * as table from '../accounts/account-table.js'
import { cancelFactorReset } from '../accounts/cancel-factor-reset.js'
import { accountFailures } from '../accounts/failures.js'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { deleteAllFactors } from '../factors/factor-table.js'
import { factorFailures } from '../factors/failures.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { Outbox } from '../mail/outbox.js'
import type { Sessions } from '../sessions/sessions.js'
import { type Administrator, type AdministratorRights, isOperator } from './administrator.js'
import { adminFailures } from './failures.js'

interface Dependencies {
  readonly rights: AdministratorRights
  readonly sessions: Sessions
  readonly outbox: Outbox
  readonly challenges: Challenges
  readonly trustedDevices: TrustedDevices
}

/** The author of a reset whose delay has passed. */
const scheduled = { accountId: null, address: null } as const

/** Accounts whose factors are removed in one run of the job. */
const batchSize = 100

/**
 * Removes all factors of accounts whose owners have lost them. The next sign-in needs the password
 * alone, so that only the operator does it for administrators: a stolen session of one
 * administrator must not weaken the accounts of others.
 */
export class FactorResets {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'factorResetDelaySec'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'factorResetDelaySec'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  /**
   * Removes all factors and recovery codes, and ends every session and every token of the account.
   * With a delay by setting, it happens later. Until then the owner cancels it by a sign-in with a
   * second factor, and an administrator by `cancel`. The operator does not wait.
   *
   * @throws Problem `account_unknown`, `own_account`, `administrator_protected`, `factor_missing`;
   * and those of `AdministratorRights.lock`
   */
  async reset(by: Administrator, id: string): Promise<table.Account> {
    const { store, audit, clock } = this.#core
    const { rights, outbox } = this.#dependencies
    if (by.accountId === id) throw adminFailures.refusal('own_account')
    const delayMs = isOperator(by) ? 0 : this.#settings.factorResetDelaySec * 1000
    return store.transaction(async (client) => {
      await rights.lock(client, by, [id])
      const account = known(await table.findAccount(client, id))
      if (account.role === 'admin' && !isOperator(by)) throw adminFailures.refusal('administrator_protected')
      if (account.secondFactor === 0) throw factorFailures.refusal('factor_missing')
      if (delayMs === 0) {
        await this.#remove(client, account)
        await audit.done(client, 'factor_reset', by, { account: id })
      } else if (account.factorResetAt === null) {
        const due = clock.now() + delayMs
        await table.updateAccount(client, { id }, { factorResetAt: due })
        await outbox.notify(client, account, { kind: 'factors_reset', due })
        await audit.done(client, 'factor_reset_request', by, { account: id })
      }
      return known(await table.findAccount(client, id))
    })
  }

  /**
   * Cancels a reset that waits for its delay. Every administrator can, also for the account of an
   * administrator: a cancelled reset weakens no account.
   *
   * @throws Problem `account_unknown`, `factor_reset_unknown`; and those of
   * `AdministratorRights.lock`
   */
  async cancel(by: Administrator, id: string): Promise<table.Account> {
    const { store } = this.#core
    return store.transaction(async (client) => {
      await this.#dependencies.rights.lock(client, by, [id])
      const account = known(await table.findAccount(client, id))
      if (account.factorResetAt === null) throw adminFailures.refusal('factor_reset_unknown')
      await cancelFactorReset(client, this.#core, account, by)
      return known(await table.findAccount(client, id))
    })
  }

  /** Removes the factors of accounts whose delay has passed. */
  async applyDue(): Promise<void> {
    const { store, audit, clock } = this.#core
    const { rows } = await store.query<{ id: string }>(
      `select id from server_accounts where factor_reset_at is not null and factor_reset_at <= $1
       order by factor_reset_at limit ${batchSize}`,
      [clock.now()],
    )
    for (const { id } of rows) {
      await store.transaction(async (client) => {
        const account = await table.lockAccount(client, id)
        const due = account?.factorResetAt ?? null
        // It may have been cancelled, or another server may have applied it.
        if (account === undefined || due === null || !(due <= clock.now())) return
        // An account that has become that of an administrator is protected, as in `reset`.
        if (account.role === 'admin') return cancelFactorReset(client, this.#core, account, scheduled)
        await this.#remove(client, account)
        await audit.done(client, 'factor_reset', scheduled, { account: id })
      })
    }
  }

  async #remove(client: SqlClient, account: table.Account): Promise<void> {
    const { sessions, outbox, challenges, trustedDevices } = this.#dependencies
    const { id } = account
    await deleteAllFactors(client, id)
    await challenges.revokeAll(client, id)
    await trustedDevices.revokeAll(client, id)
    await table.updateAccount(client, { id }, { factorResetAt: null })
    await sessions.endAll(client, id, 'ended_by_admin')
    await outbox.notify(client, account, { kind: 'factors_reset', due: null })
    await this.#core.keys.revoke(id, { client })
  }
}

function known<T>(found: T | undefined): T {
  if (found === undefined) throw accountFailures.refusal('account_unknown')
  return found
}
