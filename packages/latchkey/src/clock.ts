import { performance } from './timers.js'

/**
 * A source of the time. Both readings are needed: the monotonic clock stops while the machine is
 * suspended, and the wall clock can be set.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number
  /** Milliseconds since a fixed moment of this process; never decreases. */
  monotonic(): number
}

/** One moment by both clocks of this process. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** An instant before all others: data of it is never fresh. */
export const longAgo: Instant = { wallMs: Number.NEGATIVE_INFINITY, monotonicMs: Number.NEGATIVE_INFINITY }

/** The clocks of the machine: the default of every option `clock`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** Returns the current instant. */
export function instantOf(clock: Clock): Instant {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() }
}

/**
 * Returns the milliseconds since `instant`: the larger value of the two clocks, so that neither a
 * suspended machine nor a changed wall clock hides time.
 *
 * @param nowMs The wall clock, if the caller has just read it.
 */
export function elapsedMs(clock: Clock, instant: Instant, nowMs = clock.now()): number {
  return Math.max(nowMs - instant.wallMs, clock.monotonic() - instant.monotonicMs)
}
