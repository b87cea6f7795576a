import { type Clock, systemClock } from 'latchkey'

/** The clocks of the machine, with an offset that a test sets. */
export interface ShiftingClock extends Clock {
  /** Moves both clocks forward. */
  advance(milliseconds: number): void
}

export function createShiftingClock(): ShiftingClock {
  let aheadMs = 0
  return {
    now: () => systemClock.now() + aheadMs,
    monotonic: () => systemClock.monotonic() + aheadMs,
    advance: (milliseconds) => {
      aheadMs += milliseconds
    },
  }
}
