import type { Clock } from '../clock.js'

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves both readings on, as time does. */
  advance(milliseconds: number): void
  /** Moves the wall clock alone, as an operator or NTP does; negative goes back. */
  step(milliseconds: number): void
}

/** A clock for tests, by default at 2026-01-01T00:00:00Z. */
export function createFakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let wallMs = startMs
  let monotonicMs = 0
  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    advance(milliseconds) {
      wallMs += milliseconds
      monotonicMs += milliseconds
    },
    step(milliseconds) {
      wallMs += milliseconds
    },
  }
}
