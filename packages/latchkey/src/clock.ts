/** Where time comes from. Both readings are needed: a suspended machine stops the monotonic one, an operator moves the other. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number
  /** Milliseconds since some fixed moment of this process; never goes back. */
  monotonic(): number
}

/** One moment as both clocks of this process saw it. */
export interface Instant {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Before every moment: what is known as of it is never recent. */
export const longAgo: Instant = { wallMs: Number.NEGATIVE_INFINITY, monotonicMs: Number.NEGATIVE_INFINITY }

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** This moment by both clocks. */
export function instantOf(clock: Clock): Instant {
  return { wallMs: clock.now(), monotonicMs: clock.monotonic() }
}

/**
 * Milliseconds since `instant`: the larger of what the two clocks say, so that neither a suspend nor a step hides time. `nowMs`: the wall clock, for whoever
 * has just read it.
 */
export function elapsedMs(clock: Clock, instant: Instant, nowMs = clock.now()): number {
  return Math.max(nowMs - instant.wallMs, clock.monotonic() - instant.monotonicMs)
}
