import { randomUUID } from 'node:crypto'
import type { RotateAllOptions, TenantsRotation } from 'latchkey'
import type { AuditEvent } from '../audit/audit-record.js'
import type { Core } from '../core.js'
import type { Administrator, AdministratorRights } from './administrator.js'
import { adminFailures } from './failures.js'
import * as table from './rotation-table.js'

/** The options of a rotation of all tenants. */
export type RotationOrder = Pick<RotateAllOptions, 'olderThan' | 'ratePerMinute' | 'canary'>

/** The progress of the rotation of all tenants. `waiting`: no server holds its lease. */
export interface RotationStatus
  extends Pick<table.StoredRotation, 'olderThan' | 'rotated' | 'remaining' | 'estimatedEnd'> {
  readonly state: table.DesiredState | 'waiting'
  readonly failed: Readonly<Record<string, number>>
}

/**
 * The lease of the server that runs the rotation; when it has expired, another server may claim the
 * rotation.
 */
const leaseMs = 10_000

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
 * desired state, which any server may write. One server claims the row by a lease, runs the
 * rotation and stores its progress. If it dies, another server claims the rotation and continues
 * from the same date: rotated tenants are not due any more. Every method that takes an
 * administrator throws as `AdministratorRights.lock` does. A running rotation does not depend on
 * the rights of the administrator who started it.
 */
export class Rotations {
  readonly #core: Core
  readonly #rights: AdministratorRights
  readonly #id = randomUUID()
  #current: CurrentRotation | undefined
  #ticking: Promise<void> = Promise.resolve()

  constructor(core: Core, { rights }: { readonly rights: AdministratorRights }) {
    this.#core = core
    this.#rights = rights
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
    const ticked = this.#ticking.then(() => this.#tick())
    // A tick that failed must not block the next one.
    this.#ticking = ticked.catch(() => {})
    return ticked
  }

  /** Releases the rotation, so that another server can claim it at once. */
  async close(): Promise<void> {
    await this.#ticking
    const current = this.#current
    this.#current = undefined
    if (current === undefined) return
    await end(current)
    await this.#report(current, 0).catch(() => {})
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

  async #tick(): Promise<void> {
    const stored = await table.findRotation(this.#core.store)
    if (stored === undefined) return
    if (this.#current === undefined) return this.#claim(stored)
    if (stored.runner === this.#id) return this.#reconcile(this.#current, stored)
    // The lease has expired, and another server has claimed the rotation.
    await end(this.#current)
    this.#current = undefined
  }

  async #claim({ state, runnerUntil, olderThan, ratePerMinute, canary, rotated }: table.StoredRotation): Promise<void> {
    const nowMs = this.#now()
    if (state !== 'rotating' || runnerUntil > nowMs) return
    const { store, keys } = this.#core
    const taken = await table.claimRotation(store, { runner: this.#id, nowMs, untilMs: nowMs + leaseMs })
    if (!taken) return
    const order = { olderThan: new Date(olderThan), ratePerMinute, canary: rotated === 0 ? canary : 0 }
    const rotation = keys.rotateAll(order)
    const current: CurrentRotation = { rotation, before: rotated, desired: 'rotating', hasFailed: false }
    rotation.done.catch(() => {
      current.hasFailed = true
    })
    this.#current = current
  }

  async #reconcile(current: CurrentRotation, { state }: table.StoredRotation): Promise<void> {
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
    await this.#report(current, this.#now() + leaseMs)
    if (isCanaryDone) {
      current.desired = 'paused'
      await table.setDesiredState(store, 'paused')
    }
    if (!isOver) return
    this.#current = undefined
    if (state !== 'stopped') await table.setDesiredState(store, current.hasFailed ? 'stopped' : 'done')
  }

  #report({ rotation, before }: CurrentRotation, runnerUntil: number): Promise<void> {
    const { rotated, failed, remaining, estimatedEnd } = rotation.progress
    return table.reportRotation(this.#core.store, this.#id, {
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
