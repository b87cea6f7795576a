import { type Clock, LatchkeyError } from 'latchkey'

/** Receives a warning when the breaker opens. */
export interface BreakerLog {
  warn(details: object, message: string): void
}

/** The default time limit of a call. */
const defaultTimeoutMs = 250
const pauseMs = 1000

/**
 * Circuit breaker: after an error or a timeout it uses the fallback for one second, then lets one call
 * probe. It logs each time that it opens.
 */
export class FallbackBreaker {
  readonly #clock: Clock
  readonly #log: BreakerLog
  readonly #timeoutMs: number
  #awayUntilMs: number | undefined
  #fallbacks = 0

  constructor(clock: Clock, log: BreakerLog, timeoutMs = defaultTimeoutMs) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  /** Whether the breaker is open. */
  get away(): boolean {
    return this.#awayUntilMs !== undefined
  }

  /** The number of calls that the fallback has answered. */
  get fallbacks(): number {
    return this.#fallbacks
  }

  /** Returns the result of `ask`, or of `instead` if that fails or exceeds the timeout. */
  async answer<T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonic()
    if (this.#awayUntilMs === undefined || nowMs >= this.#awayUntilMs) {
      // Calls during this probe use the fallback: only one call a pause waits for the result.
      if (this.#awayUntilMs !== undefined) this.#awayUntilMs = nowMs + pauseMs
      try {
        const answer = await within(this.#timeoutMs, ask())
        this.#awayUntilMs = undefined
        return answer
      } catch (error) {
        this.#noteFailure(error)
      }
    }
    this.#fallbacks += 1
    return instead()
  }

  #noteFailure(error: unknown): void {
    if (this.#awayUntilMs === undefined) {
      this.#log.warn(
        { err: error },
        'The shared rate limits cannot be reached; until they can, every process counts by itself.',
      )
    }
    this.#awayUntilMs = this.#clock.monotonic() + pauseMs
  }
}

function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new LatchkeyError('store_unavailable')), timeoutMs)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
