/**
 * Decides after which delay another password may be tried at an account. Pure functions of counted
 * failures and the time.
 *
 * An attack from many addresses must be slowed down per account, but a delay of the whole account
 * would lock out its owner. Failures are therefore counted in buckets (OWASP, "Slow Down Online
 * Guessing Attacks with Device Cookies"): each device or network that has signed in to the account
 * has a bucket, and all unknown ones share one. No bucket delays another.
 */

/** The failures of one bucket. */
export interface Bucket {
  readonly failures: number
  /**
   * Consecutive failures since the last success in this bucket. They count for 30 days, where
   * `failures` counts for one.
   */
  readonly misses: number
  /** The time of the last failure, in milliseconds since 1970. */
  readonly lastAt: number
}

/** A bucket without failures. */
export const emptyBucket: Bucket = { failures: 0, misses: 0, lastAt: 0 }

const minuteMs = 60_000
const dayMs = 86_400_000

/** The number of attempts without a delay, for typing mistakes. */
const freeAttempts = 5
const firstDelayMs = 1000
/**
 * The longest delay. A steady attack makes 86 attempts in the first day, and 72 in each further
 * one.
 */
const longestDelayMs = 20 * minuteMs
/** The time after its last failure in which a bucket counts as empty again. */
const bucketMemoryMs = dayMs
/** The time for which failures of a network in the shared bucket count against it. */
const networkMemoryMs = 30 * dayMs
const maxNetworkDelayMs = dayMs
/**
 * Consecutive failures after which an unknown device needs more than the password (NIST SP
 * 800-63B-4 §3.2.2).
 */
const maxMisses = 100

/** The time after which an unused bucket can be deleted. */
export const longestMemoryMs = networkMemoryMs

/** Returns the bucket after one more failure. */
export function failed(bucket: Bucket, nowMs: number): Bucket {
  const { failures } = remembered(bucket, nowMs, bucketMemoryMs)
  return { failures: failures + 1, misses: missesOf(bucket, nowMs) + 1, lastAt: nowMs }
}

/**
 * Returns the bucket of a network after one more failure in the shared bucket. Its failures count
 * for longer than the delay lasts.
 */
export function failedByNetwork(network: Bucket, nowMs: number): Bucket {
  const { failures, misses } = remembered(network, nowMs, networkMemoryMs)
  return { failures: failures + 1, misses: misses + 1, lastAt: nowMs }
}

/**
 * Returns whether the owner must confirm an unknown device by mail, because its bucket has too many
 * failures.
 */
export function needsConfirmation(bucket: Bucket, nowMs: number): boolean {
  return missesOf(bucket, nowMs) >= maxMisses
}

/**
 * Returns whether one more failure in this bucket is worth a notice to the owner: the first one
 * after which attempts are delayed, and the one after which no code is compared. Both are counted
 * by consecutive failures, so that an attack which waits for a day between its attempts is noticed
 * as well, and each number is reached once until a success or 30 days without a failure.
 */
export function isAlarming(bucket: Bucket, nowMs: number): boolean {
  const misses = missesOf(bucket, nowMs) + 1
  return misses === freeAttempts || misses === maxMisses
}

/**
 * Returns the milliseconds for which the bucket of a known device or network delays an attempt; 0
 * for none.
 */
export function waitMs(bucket: Bucket, nowMs: number): number {
  const current = remembered(bucket, nowMs, bucketMemoryMs)
  return remaining(delayMs(current.failures), current, nowMs)
}

/**
 * Returns the milliseconds for which the shared bucket delays an attempt of a network. Under
 * attack, networks without failures wait less, and others longer with each failure. An attacker
 * uses up networks, so a person on a fresh network gets a turn first.
 */
export function unknownDeviceWaitMs(shared: Bucket, network: Bucket, nowMs: number): number {
  const current = remembered(shared, nowMs, bucketMemoryMs)
  const delay = delayMs(current.failures)
  if (delay < longestDelayMs) return remaining(delay, current, nowMs)
  const { failures } = remembered(network, nowMs, networkMemoryMs)
  return remaining(delay + Math.min(maxNetworkDelayMs, failures * longestDelayMs), current, nowMs)
}

function delayMs(failures: number): number {
  return failures < freeAttempts ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - freeAttempts))
}

function remaining(delay: number, bucket: Bucket, nowMs: number): number {
  return Math.max(0, delay - sinceMs(bucket, nowMs))
}

function missesOf(bucket: Bucket, nowMs: number): number {
  return remembered(bucket, nowMs, networkMemoryMs).misses
}

function remembered(bucket: Bucket, nowMs: number, memoryMs: number): Bucket {
  return sinceMs(bucket, nowMs) < memoryMs ? bucket : emptyBucket
}

// The absolute difference, because clocks of servers differ: a time far in the future must not
// cause a long delay.
function sinceMs({ lastAt }: Bucket, nowMs: number): number {
  return Math.abs(nowMs - lastAt)
}
