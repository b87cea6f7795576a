import type { Clock } from '../clock.js'

/** A clock that moves only when a test calls one of these methods. */
export interface FakeClock extends Clock {
  /** Moves the wall clock and the monotonic clock on. */
  advance(milliseconds: number): void
  /** Sets the wall clock alone, as an operator or NTP does; a negative number sets it back. */
  step(milliseconds: number): void
}

/**
 * Returns a clock for tests.
 *
 * @param startMs The first reading of the wall clock, in milliseconds since 1970.
 * @defaultValue `startMs` is 2026-01-01T00:00:00Z
 * @example
 * ```ts
 * import { createFakeClock } from 'latchkey/testing'
 *
 * const clock = createFakeClock()
 * clock.advance(60_000)
 * clock.now() // 2026-01-01T00:01:00Z in milliseconds since 1970
 * ```
 */
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
