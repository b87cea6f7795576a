import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { Challenges } from '../factors/challenges.js'
import { type Factor, listFactors } from '../factors/factor-table.js'
import { deleteRecoveryCodes, replaceRecoveryCodes } from '../factors/recovery-codes.js'
import type { TrustedDevices } from '../factors/trusted-devices.js'
import type { Outbox } from '../mail/outbox.js'
import type { RequestOrigin } from '../request-origin.js'
import type { Acting } from '../sessions/actors.js'
import type { Sessions } from '../sessions/sessions.js'
import * as table from './account-table.js'

interface Dependencies {
  readonly sessions: Sessions
  readonly outbox: Outbox
  readonly challenges: Challenges
  readonly trustedDevices: TrustedDevices
}

/** A factor that was added. */
export interface NewFactor {
  readonly factor: Factor
  /** The recovery codes of the account, if it is its first factor. */
  readonly recoveryCodes?: readonly string[]
}

/** The author of a change of factors, and the request. */
export interface FactorChange {
  readonly acting: Acting
  readonly origin: RequestOrigin
  /** Whether all other sessions of the account end. */
  readonly endOtherSessions?: boolean | undefined
}

/**
 * The effects that every change of the factors of an account has, in the transaction of the change,
 * which has locked the account: the trust in devices and unanswered challenges end, the owner is
 * notified, and the audit log has an entry.
 */
export class FactorChanges {
  readonly #core: Core
  readonly #dependencies: Dependencies

  constructor(core: Core, dependencies: Dependencies) {
    this.#core = core
    this.#dependencies = dependencies
  }

  /**
   * Records that a confirmed factor was added.
   *
   * @returns the recovery codes of the account, if it is its first factor
   */
  async added(
    client: SqlClient,
    { id, kind, accountId }: Pick<Factor, 'id' | 'kind' | 'accountId'>,
    change: FactorChange,
  ): Promise<readonly string[] | undefined> {
    const isFirst = (await listFactors(client, accountId)).filter(isConfirmed).length === 1
    const recoveryCodes = isFirst ? await replaceRecoveryCodes(client, accountId) : undefined
    await this.#notify(client, accountId, { kind: 'factor_added', factor: kind })
    await this.#finish(client, 'factor_add', change, { factor: id, kind })
    return recoveryCodes
  }

  /** Records that a factor was removed. The recovery codes end with the last factor. */
  async removed(
    client: SqlClient,
    { id, kind, accountId }: Pick<Factor, 'id' | 'kind' | 'accountId'>,
    change: FactorChange,
  ): Promise<void> {
    const isLast = !(await listFactors(client, accountId)).some(isConfirmed)
    if (isLast) {
      await deleteRecoveryCodes(client, accountId)
      await table.updateAccount(client, { id: accountId }, { factorResetAt: null })
    }
    await this.#notify(client, accountId, { kind: 'factor_removed', factor: kind })
    await this.#finish(client, 'factor_remove', change, { factor: id, kind })
  }

  /** Replaces the recovery codes, and returns the new ones. */
  async replaceRecoveryCodes(client: SqlClient, change: FactorChange): Promise<readonly string[]> {
    const { accountId } = change.acting
    const codes = await replaceRecoveryCodes(client, accountId)
    await this.#notify(client, accountId, { kind: 'factor_added', factor: 'recovery_codes' })
    await this.#finish(client, 'recovery_codes_create', change)
    return codes
  }

  async #notify(client: SqlClient, accountId: string, notice: Parameters<Outbox['notify']>[2]): Promise<void> {
    const account = await table.findAccount(client, accountId)
    if (account !== undefined) await this.#dependencies.outbox.notify(client, account, notice)
  }

  async #finish(
    client: SqlClient,
    event: 'factor_add' | 'factor_remove' | 'recovery_codes_create',
    { acting, origin, endOtherSessions }: FactorChange,
    detail?: { readonly factor: string; readonly kind: string },
  ): Promise<void> {
    const { sessions, challenges, trustedDevices } = this.#dependencies
    const { accountId, sessionId } = acting
    await trustedDevices.revokeAll(client, accountId)
    await challenges.revokeAll(client, accountId)
    if (endOtherSessions === true) await sessions.endOthers(client, { id: sessionId, accountId }, 'factor_change')
    await this.#core.audit.done(client, event, { ...acting, address: origin.address }, { detail })
  }
}

function isConfirmed({ confirmedAt }: Factor): boolean {
  return confirmedAt !== null
}
