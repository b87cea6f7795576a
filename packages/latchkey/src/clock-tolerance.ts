/** Seconds by which the clocks of any two machines may differ; no verifier tolerates more. */
export const maxClockToleranceSec = 300

/** A process that has not learned of an end yet may still sign for this long: `maxStaleness`, a wait for a lock and some more. */
const lateSignatureMs = 100_000

/**
 * Returns for how many milliseconds an end must be remembered by the clock of the process that made it, where tokens live for `maxTokenTtlSec` seconds at most.
 *
 * The token may have been issued by a clock that is ahead, is accepted for the tolerance after `exp`, by a clock that is behind, and the end is forgotten by
 * yet another clock: three times the tolerance in the worst case.
 */
export function endRetentionMs(maxTokenTtlSec: number): number {
  return (maxTokenTtlSec + 3 * maxClockToleranceSec) * 1000 + lateSignatureMs
}
