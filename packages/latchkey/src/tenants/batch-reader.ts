import type { Instant } from '../clock.js'
import { isLatchkeyError, LatchkeyError } from '../errors.js'
import { setImmediate } from '../timers.js'
import type { CachedTenant, ReadTenant } from './tenant-key.js'

/** The result of a read. */
export interface Reading {
  /** `undefined` for a tenant that does not exist. */
  readonly record: ReadTenant | undefined
  /** The instant before the read began; `longAgo` for an entry of a cache. */
  readonly readAt: Instant
}

/** Options of `BatchReader`. */
export interface BatchReaderOptions<Result> {
  /** Reads these keys; absent keys do not exist. `startedAt` is the instant before the call. */
  readonly read: (keys: readonly string[], startedAt: Instant) => Promise<ReadonlyMap<string, Reading>>
  /**
   * Caches a reading that was not superseded, and returns what is cached then. Synchronous, so that
   * no change can arrive in between.
   */
  readonly keep: (key: string, reading: Reading) => Result
  readonly instant: () => Instant
}

/** The callers that wait for one key. */
class PendingRead<Result> {
  readonly promise: Promise<Result>
  resolve: (cached: Result) => void = () => {}
  reject: (error: unknown) => void = () => {}
  attempts = 0

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** The changes that were reported during the read of a batch. Older results are discarded. */
interface Batch {
  readonly newVersions: Map<string, number>
  readonly endedKids: Set<string>
  lost: boolean
}

const maxBatchSize = 500
const maxConcurrentBatches = 4
const maxAttempts = 4

/**
 * Reads tenants in batches, each key once at a time, so that a burst of requests for uncached
 * tenants costs a few queries. A result is discarded and read again if a newer version was
 * reported, or the feed was lost, while it was being read (C6).
 */
export class BatchReader<Result extends CachedTenant | undefined> {
  readonly #options: BatchReaderOptions<Result>
  readonly #queued = new Map<string, PendingRead<Result>>()
  readonly #reading = new Map<string, PendingRead<Result>>()
  readonly #batches = new Set<Batch>()
  #isScheduled = false

  constructor(options: BatchReaderOptions<Result>) {
    this.#options = options
  }

  /**
   * Reads one key together with all others that are requested now. Fails with `store_unavailable`.
   */
  read(key: string): Promise<Result> {
    const known = this.#queued.get(key) ?? this.#reading.get(key)
    if (known !== undefined) return known.promise
    const pending = new PendingRead<Result>()
    this.#enqueue(key, pending)
    return pending.promise
  }

  /** Discards older versions of the tenant from the batches that are being read. */
  changed(tenant: string, version: number): void {
    for (const batch of this.#batches) {
      batch.newVersions.set(tenant, Math.max(version, batch.newVersions.get(tenant) ?? 0))
    }
  }

  /** Discards tenants with this ended key ID from the batches that are being read. */
  ended(kid: string): void {
    for (const batch of this.#batches) batch.endedKids.add(kid)
  }

  /** Discards all batches that are being read: changes may have been missed. */
  lost(): void {
    for (const batch of this.#batches) batch.lost = true
  }

  #enqueue(key: string, pending: PendingRead<Result>): void {
    this.#queued.set(key, pending)
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After the I/O of this turn: requests that arrived together are read together.
    setImmediate(() => {
      this.#isScheduled = false
      this.#startBatches()
    })
  }

  #startBatches(): void {
    while (this.#queued.size > 0 && this.#batches.size < maxConcurrentBatches) {
      const entries = [...this.#queued].slice(0, maxBatchSize)
      for (const [key, pending] of entries) {
        this.#queued.delete(key)
        this.#reading.set(key, pending)
      }
      void this.#readBatch(entries)
    }
  }

  async #readBatch(entries: readonly (readonly [string, PendingRead<Result>])[]): Promise<void> {
    const batch: Batch = { newVersions: new Map(), endedKids: new Set(), lost: false }
    this.#batches.add(batch)
    const readAt = this.#options.instant()
    try {
      const readings = await this.#options.read(
        entries.map(([key]) => key),
        readAt,
      )
      for (const [key, pending] of entries) {
        this.#settle(key, pending, readings.get(key) ?? { record: undefined, readAt }, batch)
      }
    } catch (error) {
      for (const [key, pending] of entries) {
        this.#reading.delete(key)
        pending.reject(asStoreFailure(error))
      }
    } finally {
      this.#batches.delete(batch)
      this.#startBatches()
    }
  }

  #settle(key: string, pending: PendingRead<Result>, reading: Reading, batch: Batch): void {
    this.#reading.delete(key)
    if (!isSuperseded(key, reading.record, batch)) {
      pending.resolve(this.#options.keep(key, reading))
      return
    }
    pending.attempts += 1
    if (pending.attempts >= maxAttempts) pending.reject(new LatchkeyError('store_unavailable'))
    else this.#enqueue(key, pending)
  }
}

function isSuperseded(key: string, record: ReadTenant | undefined, batch: Batch): boolean {
  if (batch.lost) return true
  // A tenant that was absent may have been created while it was being read.
  if (record === undefined) return batch.newVersions.has(key)
  const { tenant, version, secrets } = record
  return (batch.newVersions.get(tenant) ?? 0) > version || secrets.some(({ kid }) => batch.endedKids.has(kid))
}

function asStoreFailure(error: unknown): LatchkeyError {
  return isLatchkeyError(error) ? error : new LatchkeyError('store_unavailable', { cause: error })
}
