import { type Clock, LatchkeyError } from 'latchkey'

/** Receives a warning when the breaker opens. */
export interface BreakerLog {
  warn(details: object, message: string): void
}

const defaultTimeoutMs = 250
const pauseMs = 1000

/**
 * Circuit breaker: after an error or a timeout it uses the fallback for one second, then lets one
 * call probe. It logs each time that it opens.
 */
export class FallbackBreaker {
  readonly #clock: Clock
  readonly #log: BreakerLog
  readonly #timeoutMs: number
  #openUntilMs: number | undefined

  constructor(clock: Clock, log: BreakerLog, timeoutMs = defaultTimeoutMs) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  /** Whether the breaker is open. */
  get isOpen(): boolean {
    return this.#openUntilMs !== undefined
  }

  /** Returns the result of `call`, or of `fallback` if `call` fails or exceeds the timeout. */
  async run<T>(call: () => Promise<T>, fallback: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.monotonic()
    if (this.#openUntilMs === undefined || nowMs >= this.#openUntilMs) {
      // Calls during this probe use the fallback: only one call per pause waits for its result.
      if (this.#openUntilMs !== undefined) this.#openUntilMs = nowMs + pauseMs
      try {
        const result = await within(this.#timeoutMs, call())
        this.#openUntilMs = undefined
        return result
      } catch (error) {
        this.#open(error)
      }
    }
    return fallback()
  }

  #open(error: unknown): void {
    if (this.#openUntilMs === undefined) {
      this.#log.warn(
        { err: error },
        'The shared rate limits are unavailable: each process counts on its own until they return.',
      )
    }
    this.#openUntilMs = this.#clock.monotonic() + pauseMs
  }
}

function within<T>(timeoutMs: number, result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new LatchkeyError('store_unavailable')), timeoutMs)
    result.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
