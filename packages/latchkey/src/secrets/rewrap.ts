import type { Keyring } from '../sealing/keyring.js'
import type { Resealer, TenantStore } from './ports.js'
import type { SecretSealer } from './secret-sealer.js'

/** Options of `rewrap`. */
export interface RewrapOptions {
  /** Stops it after the step at hand; the next call goes on from there. */
  readonly signal?: AbortSignal
  /** Called after each step with how many values were moved by now. */
  readonly onProgress?: (moved: number) => void
}

/** Rows per step: short enough that readers and writers beside it never wait long. */
const stepSize = 500

/**
 * Moves every sealed value of the store to the newest master key (C7), and gives how many it moved. Each step commits by itself and
 * takes only rows that are not there yet: whatever ends it, the next call goes on from there.
 */
export async function rewrap(
  store: Pick<TenantStore, 'reseal'>,
  keyring: Keyring,
  sealer: SecretSealer,
  { signal, onProgress }: RewrapOptions,
): Promise<number> {
  const resealer: Resealer = {
    secret: (tenant, record) => sealer.reseal(tenant, record),
    setting: (record) => ({ name: record.name, ...keyring.reseal(record, ['setting', record.name]) }),
    keyPair: (record) => keyring.reseal(record, ['key-pair', record.kid, record.algorithm]),
  }
  let moved = 0
  while (signal?.aborted !== true) {
    const count = await store.reseal(keyring.newestId, stepSize, resealer)
    if (count === 0) break
    moved += count
    onProgress?.(moved)
  }
  return moved
}
