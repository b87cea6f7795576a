import type { Instant } from '../clock.js'
import { isLatchkeyError, LatchkeyError } from '../errors.js'
import type { CachedTenant, ReadTenant } from './tenant-key.js'

/** A record, `undefined` when there is none, and the instant as of which it is known: just before its read began, unless a cache had it. */
export interface Reading {
  readonly record: ReadTenant | undefined
  readonly readAt: Instant
}

/** What a reader works with. */
export interface ReaderOptions {
  /** Reads these keys; what it does not give is absent. `startedAt` is just before the call. */
  readonly read: (keys: readonly string[], startedAt: Instant) => Promise<ReadonlyMap<string, Reading>>
  /** Takes a reading that was not overtaken into memory, and gives what is known from then on. At once, so that nothing happens between the two. */
  readonly keep: (key: string, reading: Reading) => CachedTenant | undefined
  readonly instant: () => Instant
}

/** Everybody who waits for one key. */
class Waiting {
  readonly promise: Promise<CachedTenant | undefined>
  resolve: (known: CachedTenant | undefined) => void = () => {}
  reject: (error: unknown) => void = () => {}
  attempts = 0

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** What became known while a batch was under way, so that what it read before that is not believed. */
interface Flight {
  readonly newVersions: Map<string, number>
  readonly endedKids: Set<string>
  lost: boolean
}

const maxBatch = 500
const maxFlights = 4
const maxAttempts = 4

/**
 * Reads tenants in coalesced batches, one flight per key: a herd of requests for cold tenants costs a few queries. A read that was under
 * way when something newer of its tenant became known, or when the feed lost its thread, is discarded and made again (C6).
 */
export class BatchReader {
  readonly #options: ReaderOptions
  readonly #queued = new Map<string, Waiting>()
  readonly #reading = new Map<string, Waiting>()
  readonly #flights = new Set<Flight>()
  #scheduled = false

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** Reads one key, together with whatever else is asked for now. Fails with `store_unavailable`. */
  read(key: string): Promise<CachedTenant | undefined> {
    const known = this.#queued.get(key) ?? this.#reading.get(key)
    if (known !== undefined) return known.promise
    const waiting = new Waiting()
    this.#enqueue(key, waiting)
    return waiting.promise
  }

  /** The tenant has a new version: flights that may have read an older one give it no longer. */
  changed(tenant: string, version: number): void {
    for (const flight of this.#flights) {
      flight.newVersions.set(tenant, Math.max(version, flight.newVersions.get(tenant) ?? 0))
    }
  }

  /** Nobody has this kid any more: flights that may have read its tenant before give it no longer. */
  ended(kid: string): void {
    for (const flight of this.#flights) flight.endedKids.add(kid)
  }

  /** Changes may have been missed: no flight under way is believed. */
  lost(): void {
    for (const flight of this.#flights) flight.lost = true
  }

  #enqueue(key: string, waiting: Waiting): void {
    this.#queued.set(key, waiting)
    if (this.#scheduled) return
    this.#scheduled = true
    // After the I/O of this turn: requests that arrived together are read together.
    setImmediate(() => {
      this.#scheduled = false
      this.#takeOff()
    })
  }

  #takeOff(): void {
    while (this.#queued.size > 0 && this.#flights.size < maxFlights) {
      const batch = [...this.#queued].slice(0, maxBatch)
      for (const [key, waiting] of batch) {
        this.#queued.delete(key)
        this.#reading.set(key, waiting)
      }
      void this.#fly(batch)
    }
  }

  async #fly(batch: readonly (readonly [string, Waiting])[]): Promise<void> {
    const flight: Flight = { newVersions: new Map(), endedKids: new Set(), lost: false }
    this.#flights.add(flight)
    const readAt = this.#options.instant()
    try {
      const readings = await this.#options.read(
        batch.map(([key]) => key),
        readAt,
      )
      for (const [key, waiting] of batch) {
        this.#land(key, waiting, readings.get(key) ?? { record: undefined, readAt }, flight)
      }
    } catch (error) {
      for (const [key, waiting] of batch) {
        this.#reading.delete(key)
        waiting.reject(asStoreFailure(error))
      }
    } finally {
      this.#flights.delete(flight)
      this.#takeOff()
    }
  }

  #land(key: string, waiting: Waiting, reading: Reading, flight: Flight): void {
    this.#reading.delete(key)
    if (!isOvertaken(reading.record, flight)) {
      waiting.resolve(this.#options.keep(key, reading))
      return
    }
    waiting.attempts += 1
    if (waiting.attempts >= maxAttempts) waiting.reject(new LatchkeyError('store_unavailable'))
    else this.#enqueue(key, waiting)
  }
}

function isOvertaken(record: ReadTenant | undefined, flight: Flight): boolean {
  if (flight.lost) return true
  if (record === undefined) return false
  const { tenant, version, secrets } = record
  return (flight.newVersions.get(tenant) ?? 0) > version || secrets.some(({ kid }) => flight.endedKids.has(kid))
}

function asStoreFailure(error: unknown): LatchkeyError {
  return isLatchkeyError(error) ? error : new LatchkeyError('store_unavailable', { cause: error })
}
