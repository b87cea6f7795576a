import { LatchkeyError } from '../../src/errors.js'
import type { ChangeListener, TenantRecord, TenantStore } from '../../src/secrets/ports.js'
import { memoryStore } from '../../src/stores/memory/index.js'

type Records = ReadonlyMap<string, TenantRecord>

/**
 * A real store with reads and a feed that the test controls: when a read ends, and when the feed
 * reports.
 */
export interface SteeredStore {
  readonly store: TenantStore
  /** The listeners of the process under test; the test calls them. */
  readonly listeners: readonly ChangeListener[]
  /** The number of reads so far. */
  readonly reads: number
  /** From now on, reads see the store at once but end only when released, in any order. */
  holdReads(): void
  /** Held reads, oldest first: each call ends one. */
  readonly held: readonly (() => void)[]
  /** Ends all held reads, and holds none from now on. */
  release(): void
  /** Makes the database unavailable, or available again. */
  setReachable(reachable: boolean): void
}

export function steer(inner: TenantStore = memoryStore()): SteeredStore {
  const listeners: ChangeListener[] = []
  const held: (() => void)[] = []
  let holding = false
  let reachable = true
  let reads = 0

  async function pass(read: () => Promise<Records>): Promise<Records> {
    reads += 1
    if (!reachable) throw new LatchkeyError('store_unavailable')
    const records = await read()
    if (holding) await new Promise<void>((arrive) => held.push(arrive))
    return records
  }

  const store: TenantStore = {
    readByKid: (kids) => pass(() => inner.readByKid(kids)),
    readTenants: (tenants) => pass(() => inner.readTenants(tenants)),
    change: (tenant, decide, client) => inner.change(tenant, decide, client),
    transaction: (work) => inner.transaction(work),
    watch: async (listener) => {
      listeners.push(listener)
      return { check: () => {}, close: async () => {} }
    },
    lowWaterMark: () => inner.lowWaterMark(),
    changesSince: (ageMs) => inner.changesSince(ageMs),
    renewLease: (verifier, forMs) => inner.renewLease(verifier, forMs),
    releaseLease: (id) => inner.releaseLease(id),
    requestAcknowledgements: () => inner.requestAcknowledgements(),
    verifiers: (request) => inner.verifiers(request),
    readDue: (before, after, limit) => inner.readDue(before, after, limit),
    countDue: (before) => inner.countDue(before),
    readGranted: (after, limit) => inner.readGranted(after, limit),
    setting: (name, initial) => inner.setting(name, initial),
    readSettings: () => inner.readSettings(),
    changeSettings: (decide) => inner.changeSettings(decide),
    countSeals: (masterKeyId, count) => inner.countSeals(masterKeyId, count),
    sealCounts: () => inner.sealCounts(),
    masterKeyIds: () => inner.masterKeyIds(),
    reseal: (masterKeyId, limit, resealer) => inner.reseal(masterKeyId, limit, resealer),
    prune: (retention) => inner.prune(retention),
    close: () => inner.close(),
  }
  return {
    store,
    listeners,
    held,
    get reads() {
      return reads
    },
    holdReads: () => {
      holding = true
    },
    release: () => {
      holding = false
      for (const arrive of held.splice(0)) arrive()
    },
    setReachable: (value) => {
      reachable = value
    },
  }
}

/** Runs everything that can continue without the test. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
