import type { RotateAllOptions, TenantsRotation } from 'latchkey'
import type { AuditEvent } from '../audit/audit-record.js'
import type { Core } from '../core.js'
import type { Administrator, AdministratorRights } from './administrator.js'
import { adminFailures } from './failures.js'
import { LeasedWork, leaseMs } from './leased-work.js'
import * as table from './rotation-table.js'

/** The options of a rotation of all tenants. */
export type RotationOrder = Pick<RotateAllOptions, 'olderThan' | 'ratePerMinute' | 'canary'>

/** The progress of the rotation of all tenants. `waiting`: no server holds its lease. */
export interface RotationStatus
  extends Pick<table.StoredRotation, 'olderThan' | 'rotated' | 'remaining' | 'estimatedEnd'> {
  readonly state: table.DesiredState | 'waiting'
  readonly failed: Readonly<Record<string, number>>
}

/** The default rate of a rotation of all tenants, in tenants per minute. */
export const defaultRatePerMinute = 6000

/** The rotation that this server runs. */
interface CurrentRotation {
  readonly rotation: TenantsRotation
  /** Tenants rotated before this server claimed it. */
  readonly before: number
  /** The state that was last applied to it. */
  desired: 'rotating' | 'paused'
  /** Whether it has stopped with an error; an unavailable store only delays it. */
  hasFailed: boolean
}

/**
 * The rotation of all tenants, one at a time for all servers of the database. A row holds the
 * desired state, which any server may write. One server does the `LeasedWork`; if it dies, another
 * one continues from the same date: rotated tenants are not due any more. Every method that takes
 * an administrator throws as `AdministratorRights.lock` does. A running rotation does not depend on
 * the rights of the administrator who started it.
 */
export class Rotations {
  readonly #core: Core
  readonly #rights: AdministratorRights
  readonly #work: LeasedWork<table.StoredRotation, CurrentRotation>

  constructor(core: Core, { rights }: { readonly rights: AdministratorRights }) {
    this.#core = core
    this.#rights = rights
    this.#work = new LeasedWork({
      find: () => table.findRotation(core.store),
      claim: (stored, runner) => this.#claim(stored, runner),
      isOf: () => true,
      follow: (current, stored, runner) => this.#reconcile(current, stored, runner),
      end,
      release: (current, runner) => this.#report(current, runner, 0),
    })
  }

  /** Returns the progress of the last rotation; nothing if there was none. */
  async read(): Promise<readonly RotationStatus[]> {
    const stored = await table.findRotation(this.#core.store)
    if (stored === undefined) return []
    const { olderThan, rotated, failed, remaining, estimatedEnd, runnerUntil } = stored
    const state = stored.state === 'rotating' && runnerUntil <= this.#now() ? 'waiting' : stored.state
    return [{ state, olderThan, rotated, failed: JSON.parse(failed), remaining, estimatedEnd }]
  }

  /** Starts a rotation. Throws `rotation_running`. */
  async start(by: Administrator, order: RotationOrder): Promise<RotationStatus> {
    const { store } = this.#core
    const nowMs = this.#now()
    const { ratePerMinute = defaultRatePerMinute, canary = 0 } = order
    const olderThan = order.olderThan?.getTime() ?? nowMs
    const remaining = await store.countDue(olderThan)
    const estimatedEnd = Math.round(nowMs + (remaining * 60_000) / ratePerMinute)
    await store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const begun = await table.beginRotation(client, { olderThan, ratePerMinute, canary, remaining, estimatedEnd })
      if (!begun) throw adminFailures.refusal('rotation_running')
      const detail = { older_than: new Date(olderThan).toISOString(), rate_per_minute: ratePerMinute, canary }
      await this.#core.audit.done(client, 'rotation_start', by, { account: null, detail })
    })
    return this.#settle()
  }

  /**
   * Pauses the rotation until `resume`. Like `resume` and `stop`, throws `rotation_unknown` if none
   * is running.
   */
  pause(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'paused', 'rotation_pause')
  }

  resume(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'rotating', 'rotation_resume')
  }

  /** Stops the rotation after the current tenant. */
  stop(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'stopped', 'rotation_stop')
  }

  /** Claims, reconciles or releases the rotation. Call it about every second. */
  tick(): Promise<void> {
    return this.#work.tick()
  }

  /** Releases the rotation, so that another server can claim it at once. */
  close(): Promise<void> {
    return this.#work.close()
  }

  async #setDesiredState(by: Administrator, state: table.DesiredState, event: AuditEvent): Promise<RotationStatus> {
    await this.#core.store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      if (!(await table.setDesiredState(client, state))) throw adminFailures.refusal('rotation_unknown')
      await this.#core.audit.done(client, event, by, { account: null })
    })
    return this.#settle()
  }

  async #settle(): Promise<RotationStatus> {
    await this.tick()
    const [last] = await this.read()
    if (last === undefined) throw adminFailures.refusal('rotation_unknown')
    return last
  }

  async #claim(stored: table.StoredRotation, runner: string): Promise<CurrentRotation | undefined> {
    const { state, runnerUntil, olderThan, ratePerMinute, canary, rotated } = stored
    const nowMs = this.#now()
    if (state !== 'rotating' || runnerUntil > nowMs) return undefined
    const { store, keys } = this.#core
    const isClaimed = await table.claimRotation(store, { runner, nowMs, untilMs: nowMs + leaseMs })
    if (!isClaimed) return undefined
    const order = { olderThan: new Date(olderThan), ratePerMinute, canary: rotated === 0 ? canary : 0 }
    const rotation = keys.rotateAll(order)
    const current: CurrentRotation = { rotation, before: rotated, desired: 'rotating', hasFailed: false }
    rotation.done.catch(() => {
      current.hasFailed = true
    })
    return current
  }

  async #reconcile(current: CurrentRotation, { state }: table.StoredRotation, runner: string): Promise<boolean> {
    const { store } = this.#core
    const { progress } = current.rotation
    const isCanaryDone = state === 'rotating' && current.desired === 'rotating' && progress.state === 'paused'
    if (state === 'paused' && current.desired === 'rotating') {
      current.rotation.pause()
      current.desired = 'paused'
    } else if (state === 'rotating' && current.desired === 'paused') {
      current.rotation.resume()
      current.desired = 'rotating'
    }
    const isOver = state === 'stopped' || progress.state === 'done' || current.hasFailed
    if (isOver) await end(current)
    // The counts are written before the state, so that a reader of the state sees its final counts.
    await this.#report(current, runner, this.#now() + leaseMs)
    if (isCanaryDone) {
      current.desired = 'paused'
      await table.setDesiredState(store, 'paused')
    }
    if (isOver && state !== 'stopped') await table.setDesiredState(store, current.hasFailed ? 'stopped' : 'done')
    return !isOver
  }

  #report({ rotation, before }: CurrentRotation, runner: string, runnerUntil: number): Promise<void> {
    const { rotated, failed, remaining, estimatedEnd } = rotation.progress
    return table.reportRotation(this.#core.store, runner, {
      rotated: before + rotated,
      failed: JSON.stringify(failed),
      remaining,
      estimatedEnd: estimatedEnd.getTime(),
      runnerUntil,
    })
  }

  #now(): number {
    return this.#core.clock.now()
  }
}

/** Stops the rotation and waits for the current tenant. */
async function end({ rotation }: CurrentRotation): Promise<void> {
  rotation.stop()
  await rotation.done.catch(() => {})
}
