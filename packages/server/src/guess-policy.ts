/**
 * How soon another password may be tried at an account. Pure: counted failures and the time in, a
 * moment out.
 *
 * Whoever guesses from many addresses must be slowed down account by account, and a delay of the
 * whole account would lock its owner out. So failures are counted in buckets (OWASP, "Slow Down
 * Online Guessing Attacks with Device Cookies"): a device or a network that has signed in to the
 * account before has one of its own, and all strangers share one. No bucket ever delays another.
 */

/** What has failed in one bucket. */
export interface Bucket {
  readonly failures: number
  /**
   * Failures since the last success in this bucket. Unlike `failures` they are not forgotten after
   * a day, but after 30.
   */
  readonly misses: number
  /** When the last of them was tried, in milliseconds since 1970. */
  readonly lastAt: number
}

/** The bucket of something that has never failed. */
export const emptyBucket: Bucket = { failures: 0, misses: 0, lastAt: 0 }

const minuteMs = 60_000
const dayMs = 86_400_000

/** So many tries are not delayed: people mistype. */
const freeTries = 5
const firstDelayMs = 1000
/**
 * Under steady attack one try in so long: with the quick ones of the beginning 86 in the first day,
 * 72 in each further one.
 */
const longestDelayMs = 20 * minuteMs
/** A bucket in which nothing failed for so long is empty again. */
const bucketMemoryMs = dayMs
/** What a network failed at a stranger's bucket is held against it for so long. */
const networkMemoryMs = 30 * dayMs
const longestHandicapMs = dayMs
/**
 * Consecutive failures after which a password alone no longer opens an account to an unknown device
 * (NIST SP 800-63B-4 §3.2.2).
 */
const maxMisses = 100

/** How long nobody needs to know of a bucket that nobody uses any more. */
export const longestMemoryMs = networkMemoryMs

/** The bucket after one more failure. */
export function failed(bucket: Bucket, nowMs: number): Bucket {
  const { failures } = remembered(bucket, nowMs, bucketMemoryMs)
  return { failures: failures + 1, misses: missesOf(bucket, nowMs) + 1, lastAt: nowMs }
}

/** What a network has failed after one more failure; remembered longer than the delay lasts. */
export function failedByNetwork(network: Bucket, nowMs: number): Bucket {
  const { failures, misses } = remembered(network, nowMs, networkMemoryMs)
  return { failures: failures + 1, misses: misses + 1, lastAt: nowMs }
}

/**
 * Returns whether so much has failed in a bucket that an unknown device in it must be confirmed by
 * the owner's mailbox.
 */
export function needsConfirmation(bucket: Bucket, nowMs: number): boolean {
  return missesOf(bucket, nowMs) >= maxMisses
}

/** How long a bucket of one's own is still closed, in milliseconds; 0 when it is open. */
export function waitMs(bucket: Bucket, nowMs: number): number {
  const current = remembered(bucket, nowMs, bucketMemoryMs)
  return remaining(delayMs(current.failures), current, nowMs)
}

/**
 * How long the strangers' bucket is still closed for a network, in milliseconds. While it is under
 * attack it opens to networks that have not failed here, and only later to those that have, the
 * later the more often: guessers use their networks up, and whoever comes from a fresh one is let
 * in before them.
 */
export function unknownDeviceWaitMs(strangers: Bucket, network: Bucket, nowMs: number): number {
  const current = remembered(strangers, nowMs, bucketMemoryMs)
  const delay = delayMs(current.failures)
  if (delay < longestDelayMs) return remaining(delay, current, nowMs)
  const { failures } = remembered(network, nowMs, networkMemoryMs)
  return remaining(delay + Math.min(longestHandicapMs, failures * longestDelayMs), current, nowMs)
}

function delayMs(failures: number): number {
  return failures < freeTries ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - freeTries))
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

// The absolute difference: servers' clocks differ a little, and one that was far ahead must close
// nothing for long.
function sinceMs({ lastAt }: Bucket, nowMs: number): number {
  return Math.abs(nowMs - lastAt)
}
