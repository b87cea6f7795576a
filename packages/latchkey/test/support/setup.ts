import type { Clock } from '../../src/clock.js'
import { createLatchkey } from '../../src/latchkey.js'
import type { Latchkey, LatchkeyOptions } from '../../src/latchkey-api.js'
import { Keyring } from '../../src/sealing/keyring.js'
import type { TenantStore } from '../../src/secrets/ports.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { tenantSecrets } from '../../src/tenant-secrets/tenant-secrets.js'
import type { TenantSecrets } from '../../src/tenant-secrets/tenant-secrets-api.js'
import type { TenantSecretsOptions } from '../../src/tenant-secrets/tenant-secrets-options.js'
import { createFakeClock, type FakeClock } from '../../src/testing/fake-clock.js'

/** One process of an application: its own memory, over a store that others may share. */
export interface Setup {
  readonly clock: FakeClock
  readonly store: TenantStore
  readonly keys: TenantSecrets
  readonly latchkey: Latchkey
  readonly masterKeys: string
}

export interface SetupOptions {
  readonly store?: TenantStore
  readonly clock?: Clock
  readonly masterKeys?: string
  readonly keys?: Partial<TenantSecretsOptions>
  readonly latchkey?: Partial<LatchkeyOptions>
}

export const masterKeys = Keyring.generate('test')

export function setUp(options?: SetupOptions & { readonly clock?: FakeClock }): Setup
export function setUp(options: SetupOptions): Omit<Setup, 'clock'>
export function setUp(options: SetupOptions = {}): Omit<Setup, 'clock'> & { readonly clock: Clock } {
  const clock = options.clock ?? createFakeClock()
  const store = options.store ?? memoryStore()
  const ring = options.masterKeys ?? masterKeys
  const keys = tenantSecrets({ store, masterKeys: ring, clock, ...options.keys })
  const latchkey = createLatchkey({
    issuer: 'https://issuer.test',
    audience: 'test',
    keys,
    clock,
    ...options.latchkey,
  })
  return { clock, store, keys, latchkey, masterKeys: ring }
}

/** Returns the code with which a call fails, thrown or rejected, or the result of the call. */
export async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.code
    throw error
  }
}

/** Returns the milliseconds until the work is done. */
export async function timeOf(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work
  return performance.now() - startedAt
}
