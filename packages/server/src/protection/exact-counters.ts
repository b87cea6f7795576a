import type { Clock } from 'latchkey'
import type { Limit } from '../config/limits.js'
import type { CounterBackend } from './counter-backend.js'
import type { FallbackBreaker } from './fallback-breaker.js'
import { Windows } from './windows.js'

/** A counter of one limit. */
export interface LimitKey {
  readonly key: string
  readonly limit: Limit
}

/** A counter after a request. */
export interface Counted {
  /** The requests in the window. */
  readonly used: number
  readonly endsInMs: number
  /** Whether the request exceeds the limit. */
  readonly exceeded: boolean
}

/** The shared counters, their circuit breaker, and the clock of windows in memory. */
export interface SharedCounters {
  readonly backend: CounterBackend
  readonly breaker: FallbackBreaker
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Counts every request in the memory of this process. */
export class LocalCounters {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #windows: Windows

  constructor(clock: Pick<Clock, 'monotonic'>, capacity: number) {
    this.#clock = clock
    this.#windows = new Windows(capacity)
  }

  /** Counts one request in each counter. */
  take(keys: readonly LimitKey[]): Counted[] {
    const nowMs = this.#clock.monotonic()
    return keys.map(({ key, limit }) => {
      const { used, endsAtMs } = this.#windows.count(key, limit.windowSec * 1000, nowMs)
      return { used, endsInMs: endsAtMs - nowMs, exceeded: used > limit.requests }
    })
  }
}

/**
 * Counts every request in the shared counters before it is admitted: all keys of a request in one
 * statement. Once a limit is used up, requests are refused from memory, so that a flood causes no
 * statements. While the shared counters are unavailable, this process counts alone.
 */
export class ExactCounters {
  readonly #shared: SharedCounters
  /** The last totals. */
  readonly #known: Windows
  readonly #fallback: LocalCounters

  constructor(shared: SharedCounters, capacity: number) {
    this.#shared = shared
    this.#known = new Windows(capacity)
    this.#fallback = new LocalCounters(shared.clock, capacity)
  }

  /** Returns the last known number of requests in the current window of the key. */
  knownUse(key: string): number {
    return this.#known.get(key, this.#shared.clock.monotonic())?.used ?? 0
  }

  /**
   * Counts one request in each counter, and returns the results in their order. If one of the
   * limits is known to be used up, it counts nothing, and the others have no result. Never rejects.
   */
  async take(keys: readonly LimitKey[]): Promise<readonly (Counted | undefined)[]> {
    const usedUp = keys.map((key) => this.#usedUp(key))
    if (usedUp.some((counted) => counted !== undefined)) return usedUp
    return this.#shared.breaker.run(
      () => this.#count(keys),
      async () => this.#fallback.take(keys),
    )
  }

  #usedUp({ key, limit }: LimitKey): Counted | undefined {
    const nowMs = this.#shared.clock.monotonic()
    const known = this.#known.get(key, nowMs)
    if (known === undefined || known.used < limit.requests) return undefined
    return { used: known.used, endsInMs: known.endsAtMs - nowMs, exceeded: true }
  }

  async #count(keys: readonly LimitKey[]): Promise<Counted[]> {
    const uses = keys.map(({ key, limit }) => ({ key, count: 1, windowMs: limit.windowSec * 1000 }))
    const totals = await this.#shared.backend.add(uses)
    const nowMs = this.#shared.clock.monotonic()
    return keys.map(({ key, limit }, index) => {
      const { total, endsInMs } = totals[index] ?? { total: Number.POSITIVE_INFINITY, endsInMs: 0 }
      this.#known.set(key, { used: total, endsAtMs: nowMs + endsInMs })
      return { used: total, endsInMs, exceeded: !(total <= limit.requests) }
    })
  }
}
