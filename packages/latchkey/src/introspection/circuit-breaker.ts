import type { Clock } from '../clock.js'

/**
 * Circuit breaker of one endpoint: after a failure of the endpoint no request is sent for the pause
 * that the failure names. Then one request probes, and all others are refused until its result.
 */
export class CircuitBreaker {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** The longest time of a probe in milliseconds. */
  readonly #probeMs: number
  #openUntilMs: number | undefined
  /** The start of the latest request that was answered. */
  #answeredMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonic'>, probeMs: number) {
    this.#clock = clock
    this.#probeMs = probeMs
  }

  /** Milliseconds until the next probe; 0 if a request may be sent. */
  get pauseMs(): number {
    return this.#openUntilMs === undefined ? 0 : Math.max(0, this.#openUntilMs - this.#clock.monotonic())
  }

  /** Returns whether a request may be sent now. If the breaker is open, that request is the probe. */
  admit(): boolean {
    if (this.pauseMs > 0) return false
    if (this.#openUntilMs !== undefined) this.#openUntilMs = this.#clock.monotonic() + this.#probeMs
    return true
  }

  /**
   * Records an answer to a request that started at `startedMs` of the monotonic clock. Returns
   * whether it closed the breaker.
   */
  recordAnswer(startedMs: number): boolean {
    this.#answeredMs = Math.max(this.#answeredMs, startedMs)
    const wasOpen = this.#openUntilMs !== undefined
    this.#openUntilMs = undefined
    return wasOpen
  }

  /**
   * Opens the breaker for `pauseMs`. A request that started before an answered one shows no outage,
   * so that one slow answer does not affect other tokens.
   */
  recordOutage(startedMs: number, pauseMs: number): void {
    if (this.#answeredMs <= startedMs) this.#openUntilMs = this.#clock.monotonic() + pauseMs
  }
}
