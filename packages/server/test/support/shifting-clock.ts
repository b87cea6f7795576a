import { type Clock, systemClock } from 'latchkey'

/** The machine's clocks, ahead by as much as a test says. */
export interface ShiftingClock extends Clock {
  /** Moves both readings on, as time does. */
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
