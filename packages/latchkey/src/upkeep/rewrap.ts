import type { Keyring } from '../sealing/keyring.js'
import type { GrantsSealer } from '../secrets/grants-sealer.js'
import type { Resealer, TenantStore } from '../secrets/ports.js'
import type { SecretSealer } from '../secrets/secret-sealer.js'

/** Options of `rewrap`. */
export interface RewrapOptions {
  /** Stops after the current step; the next call continues from there. */
  readonly signal?: AbortSignal
  /** Called after each step with the number of values moved so far. */
  readonly onProgress?: (moved: number) => void
}

/** The sealers of tenants' values. */
export interface Sealers {
  readonly secrets: SecretSealer
  readonly grants: GrantsSealer
}

/** Rows per step: few, so that other readers and writers wait only briefly. */
const stepSize = 500

/**
 * Moves every sealed value of the store to the newest master key (C7), and returns their number.
 * Each step commits on its own and reads only rows that are not moved yet, so that the next call
 * continues after any interruption.
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
