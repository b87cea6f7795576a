import type { Clock } from 'latchkey'

/** The times in which changes reached this process. */
export interface DeliverySummary {
  /** Changes of the last ten minutes, at most `maxKept`. */
  readonly count: number
  /** Upper bounds, in milliseconds; `null` without a change. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

const keptMs = 600_000
const maxKept = 1000

/**
 * Keeps how long the last changes took from their commit to this process. The change feed knows an
 * upper bound for each of them: the age of its last proof.
 */
export class DeliveryTimes {
  readonly #clock: Clock
  readonly #kept: { readonly atMs: number; readonly delayMs: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds a change. `Infinity`, which means that the bound is not known, is ignored. */
  record(maxDelayMs: number): void {
    if (!Number.isFinite(maxDelayMs)) return
    this.#kept.push({ atMs: this.#clock.monotonic(), delayMs: maxDelayMs })
    if (this.#kept.length > maxKept) this.#kept.shift()
  }

  summary(): DeliverySummary {
    const sinceMs = this.#clock.monotonic() - keptMs
    const delays = this.#kept.filter(({ atMs }) => atMs > sinceMs).map(({ delayMs }) => delayMs)
    delays.sort((a, b) => a - b)
    const at = (share: number) => {
      const delay = delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]
      return delay === undefined ? null : Math.round(delay)
    }
    return { count: delays.length, p50Ms: at(0.5), p99Ms: at(0.99) }
  }
}
