import type { SqlClient } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { deleteFactor, type Factor, listFactors, renameFactor } from '../factors/factor-table.js'
import { factorFailures } from '../factors/failures.js'
import { countRecoveryCodes } from '../factors/recovery-codes.js'
import type { TotpEnrolment, TotpFactors } from '../factors/totp.js'
import type { TrustedDevice, TrustedDevices } from '../factors/trusted-devices.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting, Actors } from '../sessions/actors.js'
import * as table from './account-table.js'
import type { FactorChange, FactorChanges, NewFactor } from './factor-changes.js'
import { accountFailures } from './failures.js'
import type { RecentAuthentication } from './recent-authentication.js'

interface Dependencies {
  readonly actors: Actors
  readonly recentAuthentication: RecentAuthentication
  readonly factorChanges: FactorChanges
  readonly totp: TotpFactors
  readonly trustedDevices: TrustedDevices
}

/** The factors of an account, as its owner sees them. */
export interface FactorOverview {
  /** The confirmed ones, oldest first. */
  readonly factors: readonly Factor[]
  /** The number of recovery codes that are left. */
  readonly recoveryCodes: number
  readonly trustedDevices: readonly TrustedDevice[]
}

/**
 * The factors, recovery codes and trusted devices of the acting account. Each change is a
 * transaction in which the actor is locked (C5).
 */
export class OwnFactors {
  readonly #core: Core
  readonly #dependencies: Dependencies
  readonly #settings: Pick<Configuration, 'issuer'>

  constructor(core: Core, dependencies: Dependencies, settings: Pick<Configuration, 'issuer'>) {
    this.#core = core
    this.#dependencies = dependencies
    this.#settings = settings
  }

  async list(accountId: string): Promise<FactorOverview> {
    const { store } = this.#core
    const all = await listFactors(store, accountId)
    return {
      factors: all.filter(({ confirmedAt }) => confirmedAt !== null),
      recoveryCodes: await countRecoveryCodes(store, accountId),
      trustedDevices: await this.#dependencies.trustedDevices.list(store, accountId),
    }
  }

  /**
   * Begins to add an authenticator app, which counts once its first code has confirmed it.
   *
   * @throws Problem `factor_exists`, `factor_limit`, and those of `RecentAuthentication.check`
   */
  beginTotp(acting: Acting): Promise<TotpEnrolment> {
    return this.#changeRecently(acting, async (client) => {
      const account = await table.findAccount(client, acting.accountId)
      if (account === undefined) throw accountFailures.refusal('account_unknown')
      const label = { issuer: new URL(this.#settings.issuer).host, account: account.email }
      return this.#dependencies.totp.begin(client, acting, label)
    })
  }

  /**
   * Confirms the authenticator app that this session has begun to add. Returns the recovery codes
   * of the account if it is its first factor.
   *
   * @throws Problem `challenge_invalid`, `second_factor_wrong`, `factor_exists`, `factor_limit`,
   * and those of `RecentAuthentication.check`
   */
  confirmTotp(code: string, change: FactorChange): Promise<NewFactor> {
    const { totp, factorChanges } = this.#dependencies
    return this.#changeRecently(change.acting, async (client) => {
      const { id } = await totp.confirm(client, change.acting, code)
      const factor = await this.#find(client, change.acting.accountId, id)
      const recoveryCodes = await factorChanges.added(client, factor, change)
      return recoveryCodes === undefined ? { factor } : { factor, recoveryCodes }
    })
  }

  /** Renames a factor. Throws `factor_unknown`. */
  rename(id: string, name: string, { acting, origin }: FactorChange): Promise<Factor> {
    const { accountId } = acting
    return this.#change(acting, async (client) => {
      const { kind } = await this.#find(client, accountId, id)
      await renameFactor(client, { id, accountId }, name)
      const actor = { ...acting, address: origin.address }
      await this.#core.audit.done(client, 'factor_rename', actor, { detail: { factor: id, kind } })
      return this.#find(client, accountId, id)
    })
  }

  /** Removes a factor. Throws `factor_unknown`, and as `RecentAuthentication.check` does. */
  remove(id: string, change: FactorChange): Promise<void> {
    const { accountId } = change.acting
    return this.#changeRecently(change.acting, async (client) => {
      await this.#find(client, accountId, id)
      const removed = await deleteFactor(client, { id, accountId })
      if (removed === undefined) throw factorFailures.refusal('factor_unknown')
      await this.#dependencies.factorChanges.removed(client, removed, change)
    })
  }

  /**
   * Replaces the recovery codes, and returns the new ones.
   *
   * @throws Problem `factor_missing`, and those of `RecentAuthentication.check`
   */
  replaceRecoveryCodes(change: FactorChange): Promise<readonly string[]> {
    return this.#changeRecently(change.acting, async (client) => {
      const account = await table.findAccount(client, change.acting.accountId)
      if (account?.secondFactor !== 1) throw factorFailures.refusal('factor_missing')
      return this.#dependencies.factorChanges.replaceRecoveryCodes(client, change)
    })
  }

  /** Ends the trust in one device. Throws `trusted_device_unknown`. */
  endTrust(acting: Acting, name: string, { address }: RequestOrigin): Promise<void> {
    const { accountId } = acting
    return this.#change(acting, async (client) => {
      if (!(await this.#dependencies.trustedDevices.revoke(client, { name, accountId })))
        throw factorFailures.refusal('trusted_device_unknown')
      await this.#core.audit.done(client, 'trusted_device_remove', { ...acting, address })
    })
  }

  /** Ends the trust in all devices. */
  endAllTrust(acting: Acting, { address }: RequestOrigin): Promise<void> {
    return this.#change(acting, async (client) => {
      await this.#dependencies.trustedDevices.revokeAll(client, acting.accountId)
      await this.#core.audit.done(client, 'trusted_device_remove', { ...acting, address })
    })
  }

  /** Returns a confirmed factor of the account. Throws `factor_unknown`. */
  async #find(client: SqlClient, accountId: string, id: string): Promise<Factor> {
    const found = (await listFactors(client, accountId)).find((one) => one.id === id && one.confirmedAt !== null)
    if (found === undefined) throw factorFailures.refusal('factor_unknown')
    return found
  }

  #change<T>(acting: Acting, work: (client: SqlClient) => Promise<T>): Promise<T> {
    return this.#core.store.transaction(async (client) => {
      await this.#dependencies.actors.lock(client, acting)
      return work(client)
    })
  }

  #changeRecently<T>(acting: Acting, work: (client: SqlClient) => Promise<T>): Promise<T> {
    return this.#change(acting, async (client) => {
      await this.#dependencies.recentAuthentication.check(client, acting)
      return work(client)
    })
  }
}
