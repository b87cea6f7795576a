import { endRetentionMs } from '../clock-tolerance.js'
import { checkSealed, type SealedCheck } from '../upkeep/check-sealed.js'
import { type ReplaceKeysOptions, replaceKeys } from '../upkeep/replace-keys.js'
import { type RewrapOptions, rewrap } from '../upkeep/rewrap.js'
import { type RotateAllOptions, RotationOfAll, type TenantsRotation } from '../upkeep/rotate-all.js'
import { changeLogMs, type StoreSession } from './store-session.js'
import type { TenantChanges } from './tenant-changes.js'

/** The work on all tenants of the store; see the methods of `TenantSecrets` of the same names. */
export class TenantUpkeep {
  readonly #session: StoreSession
  readonly #changes: Pick<TenantChanges<unknown>, 'rotateIfDue' | 'replaceSecrets'>
  readonly #rotations = new Set<TenantsRotation>()

  constructor(session: StoreSession, changes: Pick<TenantChanges<unknown>, 'rotateIfDue' | 'replaceSecrets'>) {
    this.#session = session
    this.#changes = changes
  }

  rotateAll(options: RotateAllOptions): TenantsRotation {
    const { store, clock } = this.#session
    const rotation = new RotationOfAll(
      {
        readDue: async (before, after, limit) => {
          await this.#session.open()
          return store.readDue(before, after, limit)
        },
        countDue: async (before) => {
          await this.#session.open()
          return store.countDue(before)
        },
        rotateIfDue: (tenant, before) => this.#changes.rotateIfDue(tenant, before),
        nowMs: () => clock.now(),
      },
      options,
    )
    this.#rotations.add(rotation)
    const forget = () => void this.#rotations.delete(rotation)
    rotation.done.then(forget, forget)
    return rotation
  }

  async rewrap(options: RewrapOptions): Promise<number> {
    const { sealer: secrets, grants } = await this.#session.open()
    const { store, keyring } = this.#session
    return rewrap(store, keyring, { secrets, grants }, options)
  }

  async replaceKeys(options: ReplaceKeysOptions, waitForPropagation: () => Promise<unknown>): Promise<number> {
    await this.#session.open()
    const { store, storedKeys: keys } = this.#session
    const replaceSecrets = (tenants: readonly string[]) => this.#changes.replaceSecrets(tenants)
    return replaceKeys({ store, keys, waitForPropagation, replaceSecrets }, options)
  }

  async encryptions(): Promise<ReadonlyMap<string, number>> {
    await this.#session.open()
    await this.#session.countSeals()
    return this.#session.store.sealCounts()
  }

  async checkSealed(): Promise<SealedCheck> {
    const { sealer: secrets, grants } = await this.#session.open()
    return checkSealed(this.#session.store, { secrets, grants })
  }

  async prune(maxTokenTtl: number): Promise<void> {
    await this.#session.open()
    const now = this.#session.clock.now()
    // A retired secret is kept while a token of it may be alive, so that the token is answered with
    // `reissue_required`.
    await this.#session.store.prune({ now, keepMs: endRetentionMs(maxTokenTtl), changeLogMs })
    await this.#session.countSeals()
  }

  /** Stops the rotations that are running. */
  close(): void {
    for (const rotation of this.#rotations) rotation.stop()
  }
}
