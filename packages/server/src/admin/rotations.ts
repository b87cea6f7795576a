import type { RotateAllOptions, RotationProgress, TenantSecrets, TenantsRotation } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sqlite'
import type { AuditEvent } from '../audit/audit-record.js'
import type { AuditTrail } from '../audit/audit-trail.js'
import { Problem } from '../problem.js'
import type { Administrator } from './administration.js'

/** What `Rotations` works with. */
export interface RotationsOptions {
  readonly store: SqlStore
  readonly keys: TenantSecrets<SqlClient>
  readonly audit: AuditTrail
}

/** How a rotation of everybody is to be done. */
export type RotationOrder = Pick<RotateAllOptions, 'olderThan' | 'ratePerMinute' | 'canary'>

/**
 * The rotation of everybody that this process carries out, one at a time. It keeps no notes: should the process end, whoever starts it again with the same date, in
 * whichever process, goes on where it ended.
 */
export class Rotations {
  readonly #options: RotationsOptions
  #current: TenantsRotation | undefined

  constructor(options: RotationsOptions) {
    this.#options = options
  }

  /** How far the last one has come; `undefined` when there was none. */
  get progress(): RotationProgress | undefined {
    return this.#current?.progress
  }

  /** Begins one. Fails with `rotation_running`. */
  async start(by: Administrator, order: RotationOrder): Promise<RotationProgress> {
    if (this.#current !== undefined && isUnderWay(this.#current.progress)) throw new Problem('rotation_running')
    const rotation = this.#options.keys.rotateAll(order)
    // Whoever starts another one meanwhile is refused.
    this.#current = rotation
    // Its failure shows in what it says of itself; nobody else waits for it.
    rotation.done.catch(() => {})
    await this.#audit(by, 'rotation_start')
    return rotation.progress
  }

  /** Rotates nobody until `resume`. Fails with `rotation_unknown` when none is under way; so do the others. */
  pause(by: Administrator): Promise<RotationProgress> {
    return this.#steer(by, 'rotation_pause', (rotation) => rotation.pause())
  }

  resume(by: Administrator): Promise<RotationProgress> {
    return this.#steer(by, 'rotation_resume', (rotation) => rotation.resume())
  }

  /** Ends it after the tenant at hand. */
  stop(by: Administrator): Promise<RotationProgress> {
    return this.#steer(by, 'rotation_stop', async (rotation) => {
      rotation.stop()
      await rotation.done
    })
  }

  async #steer(
    by: Administrator,
    event: AuditEvent,
    steer: (rotation: TenantsRotation) => unknown,
  ): Promise<RotationProgress> {
    const rotation = this.#current
    if (rotation === undefined || !isUnderWay(rotation.progress)) throw new Problem('rotation_unknown')
    await steer(rotation)
    await this.#audit(by, event)
    return rotation.progress
  }

  #audit({ accountId: actor, address }: Administrator, event: AuditEvent): Promise<void> {
    const { audit, store } = this.#options
    return audit.append(store, { event, outcome: 'done', actor, account: null, address })
  }
}

function isUnderWay({ state }: RotationProgress): boolean {
  return state !== 'done' && state !== 'stopped'
}
