import { AsyncResource } from 'node:async_hooks'
import type { Limit } from '../config/limits.js'
import type { CounterTotal, CounterUse } from './counter-backend.js'
import type { Counted, SharedCounters } from './exact-counters.js'
import { type Window, Windows } from './windows.js'

/** Bounds of the counters in memory. */
export interface BatchOptions {
  /** Longest time in milliseconds between a request and the batch that reports it. */
  readonly intervalMs: number
  /** The number of keys in memory. */
  readonly capacity: number
}

/** Requests that are reported together. */
interface Batch {
  readonly uses: Map<string, { count: number; readonly windowMs: number }>
  /** The totals of the keys that were reported. */
  readonly totals: Map<string, CounterTotal>
}

/** A process may admit this share of the remaining requests before it must report them. */
const unreportedShare = 10

/** The number of keys in one statement. A batch of that size does not wait for its interval. */
const maxKeysPerStatement = 1000

/**
 * Returns the number of requests that one process may admit without having reported them, where
 * `known` requests are known to be used: a tenth of the rest, and at least one.
 */
export function unreportedAllowance({ requests }: Limit, known: number): number {
  return Math.max(1, Math.floor((requests - known) / unreportedShare))
}

/**
 * Counts requests in memory, and reports them to the shared counters in batches: all keys that
 * changed, in one statement, once per interval. The answer has the totals of all processes.
 *
 * A process refuses at the limit minus the known total. If it has admitted its allowance since the
 * last report, a request waits for a batch of its own turn, and the total decides about it. In one
 * window N processes therefore admit at most limit + N × max(1, limit / 10) requests, whatever the
 * rate; one process admits exactly the limit.
 *
 * While the shared counters are unavailable, each process counts alone. Its counts are reported
 * later.
 */
export class BatchedCounters {
  readonly #shared: SharedCounters
  readonly #options: BatchOptions
  readonly #windows: Windows
  #pending: Batch = emptyBatch()
  #sending: Batch = emptyBatch()
  #sent: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** A batch belongs to no request, also in traces. */
  readonly #outside = new AsyncResource('LatchkeyBatchedCounters')

  constructor(shared: SharedCounters, options: BatchOptions) {
    this.#shared = shared
    this.#options = options
    this.#windows = new Windows(options.capacity)
  }

  /** Counts one request. Never rejects. */
  async take(key: string, limit: Limit): Promise<Counted> {
    const window = this.#windowOf(key, limit)
    const { requests } = limit
    if (window.used >= requests) return this.#resultOf(window, true)
    const unreported = this.#unreportedOf(key)
    const isAllowed = unreported < unreportedAllowance(limit, window.used - unreported)
    const batch = this.#pending
    const place = this.#count(key, limit, window)
    const { used } = window
    if (isAllowed || this.#shared.breaker.isOpen) return this.#resultOf(window, used > requests)
    await this.reconcile()
    const total = batch.totals.get(key)?.total
    // The requests of a batch take the last places of the total, in their order.
    const position = total === undefined ? used : total - (batch.uses.get(key)?.count ?? place) + place
    return this.#resultOf(this.#windowOf(key, limit), position > requests)
  }

  /** Reports all requests that were counted before this call. Never rejects. */
  reconcile(): Promise<void> {
    this.#next ??= this.#sent.then(() => {
      this.#next = undefined
      this.#sent = this.#send()
      return this.#sent
    })
    return this.#next
  }

  /** Reports the last counts. */
  async close(): Promise<void> {
    await this.reconcile()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #windowOf(key: string, { windowSec }: Limit): Window {
    const nowMs = this.#shared.clock.monotonic()
    const known = this.#windows.get(key, nowMs)
    if (known !== undefined) return known
    // Requests that are not reported yet will count in the new window.
    const begun = { used: this.#unreportedOf(key), endsAtMs: nowMs + windowSec * 1000 }
    this.#windows.set(key, begun)
    return begun
  }

  #unreportedOf(key: string): number {
    return (this.#pending.uses.get(key)?.count ?? 0) + (this.#sending.uses.get(key)?.count ?? 0)
  }

  /** Counts one request, and returns its place among those of its key in the batch. */
  #count(key: string, { windowSec }: Limit, window: Window): number {
    window.used += 1
    const { uses } = this.#pending
    const use = uses.get(key) ?? { count: 0, windowMs: windowSec * 1000 }
    use.count += 1
    uses.set(key, use)
    if (uses.size >= maxKeysPerStatement && !this.#shared.breaker.isOpen) void this.reconcile()
    else this.#tickLater()
    return use.count
  }

  #tickLater(): void {
    this.#timer ??= setTimeout(
      () => this.#outside.runInAsyncScope(() => this.#tick()),
      this.#options.intervalMs,
    ).unref()
  }

  #tick(): void {
    this.#timer = undefined
    void this.reconcile()
  }

  async #send(): Promise<void> {
    const batch = this.#pending
    if (batch.uses.size === 0) return
    this.#pending = emptyBatch()
    this.#sending = batch
    clearTimeout(this.#timer)
    this.#timer = undefined
    const uses = [...batch.uses].map(([key, use]) => ({ key, ...use }))
    for (let at = 0; at < uses.length; at += maxKeysPerStatement) {
      await this.#report(uses.slice(at, at + maxKeysPerStatement), batch.totals)
    }
    this.#sending = emptyBatch()
    for (const [key, { total, endsInMs }] of batch.totals) this.#learn(key, total, endsInMs)
    this.#putBack(batch)
  }

  /** Reports the uses in one statement, and adds the totals to `totals` if it succeeds. */
  async #report(uses: readonly CounterUse[], totals: Map<string, CounterTotal>): Promise<void> {
    const { backend, breaker } = this.#shared
    const answers = await breaker.run<readonly CounterTotal[]>(
      () => backend.add(uses),
      async () => [],
    )
    for (const [index, total] of answers.entries()) {
      const key = uses[index]?.key
      if (key !== undefined) totals.set(key, total)
    }
  }

  #learn(key: string, total: number, endsInMs: number): void {
    const endsAtMs = this.#shared.clock.monotonic() + endsInMs
    this.#windows.set(key, { used: total + this.#unreportedOf(key), endsAtMs })
  }

  /** Keeps the counts that were not reported for the next batch, within the capacity. */
  #putBack({ uses, totals }: Batch): void {
    const { uses: pending } = this.#pending
    for (const [key, { count, windowMs }] of uses) {
      if (totals.has(key)) continue
      const use = pending.get(key)
      if (use !== undefined) use.count += count
      else if (pending.size < this.#options.capacity) pending.set(key, { count, windowMs })
    }
    if (pending.size > 0) this.#tickLater()
  }

  #resultOf({ used, endsAtMs }: Window, exceeded: boolean): Counted {
    return { used, endsInMs: endsAtMs - this.#shared.clock.monotonic(), exceeded }
  }
}

function emptyBatch(): Batch {
  return { uses: new Map(), totals: new Map() }
}
