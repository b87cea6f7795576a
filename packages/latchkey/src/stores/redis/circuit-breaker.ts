import { type Clock, elapsedMs, type Instant, instantOf } from '../../clock.js'

const firstPauseMs = 1000
const longestPauseMs = 30_000

/** Stops asking somebody who does not answer: after a failure for a second, then for twice as long each time, up to half a minute. */
export class CircuitBreaker {
  readonly #clock: Clock
  #failures = 0
  #failedAt: Instant | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether to ask now. While it is open one call gets through after each pause. */
  get isOpen(): boolean {
    return this.#failedAt !== undefined && elapsedMs(this.#clock, this.#failedAt) < this.#pauseMs
  }

  /** The answer of `ask`; `undefined` at once while open, and when `ask` fails. */
  async run<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.isOpen) return undefined
    // Whoever comes before this call is answered finds the breaker open again, so that one call a pause pays for finding out.
    if (this.#failedAt !== undefined) this.#failedAt = instantOf(this.#clock)
    try {
      const answer = await ask()
      this.#failures = 0
      this.#failedAt = undefined
      return answer
    } catch {
      this.#failures += 1
      this.#failedAt = instantOf(this.#clock)
      return undefined
    }
  }

  get #pauseMs(): number {
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1))
  }
}
