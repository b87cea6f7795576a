import { type Clock, systemClock } from 'latchkey'

/** A clock that stands at a time in the past, so that what is done looks as if done then. */
export class PastClock implements Clock {
  #nowMs: number

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  /** Moves forward to this time; an earlier one changes nothing. */
  moveTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  /** Moves to this time, whatever the time was before. */
  resetTo(ms: number): void {
    this.#nowMs = ms
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return systemClock.monotonic()
  }
}
