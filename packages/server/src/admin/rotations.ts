import { randomUUID } from 'node:crypto'
import type { Clock, RotateAllOptions, TenantSecrets, TenantsRotation } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { AuditDetail } from '../audit/audit-detail.js'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { Problem } from '../problem.js'
import type { Actors } from '../sessions/actors.js'
import { type Administrator, lockAdministrator } from './administrator.js'
import * as table from './rotation-table.js'

/** What `Rotations` works with. */
export interface RotationsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly actors: Actors
  readonly audit: AuditTrail
  readonly clock: Clock
}

/** How a rotation of everybody is to be done. */
export type RotationOrder = Pick<RotateAllOptions, 'olderThan' | 'ratePerMinute' | 'canary'>

/** How far the rotation of everybody has come. `waiting`: no server carries it out at the moment; one will take it up. */
export interface RotationStatus
  extends Pick<table.StoredRotation, 'olderThan' | 'rotated' | 'remaining' | 'estimatedEnd'> {
  readonly state: table.DesiredState | 'waiting'
  readonly failed: Readonly<Record<string, number>>
}

/** A server that was not heard of for so long is taken for dead, and another one goes on. */
const leaseMs = 10_000

/** The tenants that a rotation of all of them rotates in a minute, unless another rate is given. */
export const usualRatePerMinute = 6000

/** What this server carries out. */
interface CurrentRotation {
  readonly rotation: TenantsRotation
  /** Rotated before this server took it up. */
  readonly before: number
  /** What it was told last. */
  desired: 'rotating' | 'paused'
  /** Something other than the store being away has ended it. */
  hasFailed: boolean
}

/**
 * The rotation of everybody, one at a time for all servers of the database. What is wanted of it stands in a row that any server may write; one server carries it
 * out and notes how far it has come, and should it die, another one takes it up, from the same date: who was rotated is due no longer.
 * Each order fails as `lockAdministrator` does. A rotation that has begun does not depend on the
 * rights of the administrator who began it.
 */
export class Rotations {
  readonly #options: RotationsOptions
  readonly #id = randomUUID()
  #current: CurrentRotation | undefined
  #ticking: Promise<void> = Promise.resolve()

  constructor(options: RotationsOptions) {
    this.#options = options
  }

  /** How far the last one has come. Fails with `rotation_unknown` when there never was one. */
  async read(): Promise<RotationStatus> {
    const stored = await table.findRotation(this.#options.store)
    if (stored === undefined) throw new Problem('rotation_unknown')
    const { olderThan, rotated, failed, remaining, estimatedEnd, runnerUntil } = stored
    const state = stored.state === 'rotating' && runnerUntil <= this.#now() ? 'waiting' : stored.state
    return { state, olderThan, rotated, failed: JSON.parse(failed), remaining, estimatedEnd }
  }

  /** Begins one. Fails with `rotation_running`. */
  async start(by: Administrator, order: RotationOrder): Promise<RotationStatus> {
    const { store } = this.#options
    const nowMs = this.#now()
    const { ratePerMinute = usualRatePerMinute, canary = 0 } = order
    const olderThan = order.olderThan?.getTime() ?? nowMs
    const remaining = await store.countDue(olderThan)
    const estimatedEnd = Math.round(nowMs + (remaining * 60_000) / ratePerMinute)
    await store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      const begun = await table.beginRotation(client, { olderThan, ratePerMinute, canary, remaining, estimatedEnd })
      if (!begun) throw new Problem('rotation_running')
      const detail = { older_than: new Date(olderThan).toISOString(), rate_per_minute: ratePerMinute, canary }
      await this.#audit(client, by, 'rotation_start', detail)
    })
    return this.#settle()
  }

  /** Rotates nobody until `resume`. Fails with `rotation_unknown` when none is under way; so do the others. */
  pause(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'paused', 'rotation_pause')
  }

  resume(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'rotating', 'rotation_resume')
  }

  /** Ends it after the tenant at hand. */
  stop(by: Administrator): Promise<RotationStatus> {
    return this.#setDesiredState(by, 'stopped', 'rotation_stop')
  }

  /** Does what is wanted of this server. To be called about every second. */
  tick(): Promise<void> {
    const ticked = this.#ticking.then(() => this.#tick())
    // One that failed is not in the way of the next.
    this.#ticking = ticked.catch(() => {})
    return ticked
  }

  /** Lets another server take up at once what this one carries out. */
  async close(): Promise<void> {
    await this.#ticking
    const current = this.#current
    this.#current = undefined
    if (current === undefined) return
    await end(current)
    await this.#report(current, 0).catch(() => {})
  }

  async #setDesiredState(by: Administrator, state: table.DesiredState, event: AuditEvent): Promise<RotationStatus> {
    await this.#options.store.transaction(async (client) => {
      await lockAdministrator(this.#options, client, by)
      if (!(await table.setDesiredState(client, state))) throw new Problem('rotation_unknown')
      await this.#audit(client, by, event)
    })
    return this.#settle()
  }

  async #settle(): Promise<RotationStatus> {
    await this.tick()
    return this.read()
  }

  async #tick(): Promise<void> {
    const stored = await table.findRotation(this.#options.store)
    if (stored === undefined) return
    if (this.#current === undefined) return this.#claim(stored)
    if (stored.runner === this.#id) return this.#reconcile(this.#current, stored)
    // This server was taken for dead: another one goes on.
    await end(this.#current)
    this.#current = undefined
  }

  async #claim({ state, runnerUntil, olderThan, ratePerMinute, canary, rotated }: table.StoredRotation): Promise<void> {
    const nowMs = this.#now()
    if (state !== 'rotating' || runnerUntil > nowMs) return
    const { store, keys } = this.#options
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
    const { store } = this.#options
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
    // The counts are written before the state, so that whoever reads the state sees the counts that led to it.
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
    return table.reportRotation(this.#options.store, this.#id, {
      rotated: before + rotated,
      failed: JSON.stringify(failed),
      remaining,
      estimatedEnd: estimatedEnd.getTime(),
      runnerUntil,
    })
  }

  #audit(
    client: SqlClient,
    { accountId: actor, sessionId: session, address }: Administrator,
    event: AuditEvent,
    detail?: AuditDetail,
  ): Promise<void> {
    return this.#options.audit.append(client, {
      event,
      outcome: 'done',
      actor,
      account: null,
      session,
      address,
      detail,
    })
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

/** Waits for the tenant at hand. */
async function end({ rotation }: CurrentRotation): Promise<void> {
  rotation.stop()
  await rotation.done.catch(() => {})
}
