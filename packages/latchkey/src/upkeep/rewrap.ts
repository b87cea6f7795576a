import type { Keyring } from '../sealing/keyring.js'
import type { GrantsSealer } from '../secrets/grants-sealer.js'
import type { Resealer, TenantStore } from '../secrets/ports.js'
import type { SecretSealer } from '../secrets/secret-sealer.js'

/** Options of `rewrap`. */
export interface RewrapOptions {
  /** Stops it after the step at hand; the next call goes on from there. */
  readonly signal?: AbortSignal
  /** Called after each step with how many values were moved by now. */
  readonly onProgress?: (moved: number) => void
}

/** What seals the values of tenants. */
export interface Sealers {
  readonly secrets: SecretSealer
  readonly grants: GrantsSealer
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
  { secrets, grants }: Sealers,
  { signal, onProgress }: RewrapOptions,
): Promise<number> {
  const resealer: Resealer = {
    secret: (tenant, record) => secrets.reseal(tenant, record),
    grants: (tenant, version, sealed) => grants.reseal({ tenant, version }, sealed),
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
