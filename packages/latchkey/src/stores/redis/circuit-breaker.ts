import { type Clock, elapsedMs, type Instant, instantOf } from '../../clock.js'

const firstPauseMs = 1000
const longestPauseMs = 30_000

/**
 * Circuit breaker. After a failure it opens for one second; with each further failure in a row for
 * twice as long, up to 30 seconds. After the pause, one call probes.
 */
export class CircuitBreaker {
  readonly #clock: Clock
  #failures = 0
  #failedAt: Instant | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns whether calls are skipped now. After each pause, one call is let through. */
  get isOpen(): boolean {
    return this.#failedAt !== undefined && elapsedMs(this.#clock, this.#failedAt) < this.#pauseMs
  }

  /**
   * Resolves with the result of `ask`, and with `undefined` at once while the breaker is open.
   * Rejects as `ask` does.
   */
  async run<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.isOpen) return undefined
    // The pause starts again here, so that other calls are skipped while this one probes.
    if (this.#failedAt !== undefined) this.#failedAt = instantOf(this.#clock)
    try {
      const answer = await ask()
      this.#failures = 0
      this.#failedAt = undefined
      return answer
    } catch (error) {
      this.#failures += 1
      this.#failedAt = instantOf(this.#clock)
      throw error
    }
  }

  get #pauseMs(): number {
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1))
  }
}
