/** The largest difference in seconds between the clocks of two machines. */
export const maxClockToleranceSec = 300

/**
 * Milliseconds for which a process with stale data can still sign: `maxStaleness` and a wait for a
 * lock.
 */
const lateSignatureMs = 100_000

/**
 * Returns the milliseconds for which the end of a session or secret must be stored, by the clock of
 * the process that ended it, if tokens live for at most `maxTokenTtlSec` seconds.
 *
 * In the worst case this includes three times the tolerance: a clock that is ahead issued the
 * token, one that is behind accepts it for the tolerance after `exp`, and a third one deletes the
 * end.
 */
export function endRetentionMs(maxTokenTtlSec: number): number {
  return (maxTokenTtlSec + 3 * maxClockToleranceSec) * 1000 + lateSignatureMs
}
