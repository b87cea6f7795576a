import { type Clock, elapsedMs, type Instant, instantOf } from '../../clock.js'

const firstPauseMs = 1000
const longestPauseMs = 30_000

/**
 * Circuit breaker: open for a second after a failure, then for twice as long after each further one,
 * up to half a minute.
 */
export class CircuitBreaker {
  readonly #clock: Clock
  #failures = 0
  #failedAt: Instant | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns whether calls are skipped now. After each pause one call gets through. */
  get isOpen(): boolean {
    return this.#failedAt !== undefined && elapsedMs(this.#clock, this.#failedAt) < this.#pauseMs
  }

  /** Resolves with the answer of `ask`, and with `undefined` at once while open. Rejects as `ask` does. */
  async run<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.isOpen) return undefined
    // Calls that come before this one is answered find the breaker open: one call a pause probes.
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
