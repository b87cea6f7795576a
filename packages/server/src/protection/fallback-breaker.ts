import { type Clock, LatchkeyError } from 'latchkey'

/** Where it is told that counters are away. */
export interface InsuranceLog {
  warn(details: object, message: string): void
}

/** Milliseconds for an answer, unless the caller says otherwise. */
const defaultTimeoutMs = 250
const pauseMs = 1000

/**
 * Asks somebody who may be away, and somebody else instead while he is: after a failure nobody asks him for a second, then one call tries. Says so
 * in the log once each time.
 */
export class FallbackBreaker {
  readonly #clock: Clock
  readonly #log: InsuranceLog
  readonly #timeoutMs: number
  #awayUntilMs: number | undefined
  #fallbacks = 0

  constructor(clock: Clock, log: InsuranceLog, timeoutMs = defaultTimeoutMs) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  /** Whether the last answer came from the other one. */
  get away(): boolean {
    return this.#awayUntilMs !== undefined
  }

  /** How many answers have come from the other one. */
  get fallbacks(): number {
    return this.#fallbacks
  }

  /** The answer of `ask`, or of `instead` if that fails or takes longer than the timeout. */
  async answer<T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonic()
    if (this.#awayUntilMs === undefined || nowMs >= this.#awayUntilMs) {
      // Whoever comes before this call is answered finds it closed again, so that one call a pause pays for finding out.
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
