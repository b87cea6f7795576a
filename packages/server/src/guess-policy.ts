/**
 * How soon another password may be tried at an account. Pure: counted failures and the time in, a moment out.
 *
 * Whoever guesses from many addresses must be slowed down account by account, and a delay of the whole account would lock its owner out. So
 * failures are counted in lanes (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"): a device or a network that has signed in to the account before
 * has one of its own, and all strangers share one. No lane ever delays another.
 */

/** What has failed in one lane. */
export interface Lane {
  readonly failures: number
  /** Failures since the last success in this lane. Unlike `failures` they are not forgotten after a day, but after 30. */
  readonly misses: number
  /** When the last of them was tried, in milliseconds since 1970. */
  readonly lastAt: number
}

/** The lane of something that has never failed. */
export const emptyLane: Lane = { failures: 0, misses: 0, lastAt: 0 }

const minuteMs = 60_000
const dayMs = 86_400_000

/** So many tries are not delayed: people mistype. */
const freeTries = 5
const firstDelayMs = 1000
/** Under steady attack one try in so long: with the quick ones of the beginning 86 in the first day, 72 in each further one. */
const longestDelayMs = 20 * minuteMs
/** A lane in which nothing failed for so long is empty again. */
const laneMemoryMs = dayMs
/** What a network failed at a stranger's lane is held against it for so long. */
const networkMemoryMs = 30 * dayMs
const longestHandicapMs = dayMs
/** Consecutive failures after which a password alone no longer opens an account to an unknown device (NIST SP 800-63B-4 §3.2.2). */
const maxMisses = 100

/** How long nobody needs to know of a lane that nobody uses any more. */
export const longestMemoryMs = networkMemoryMs

/** The lane after one more failure. */
export function failed(lane: Lane, nowMs: number): Lane {
  const { failures } = remembered(lane, nowMs, laneMemoryMs)
  return { failures: failures + 1, misses: missesOf(lane, nowMs) + 1, lastAt: nowMs }
}

/** What a network has failed after one more failure; remembered longer than the delay lasts. */
export function failedByNetwork(network: Lane, nowMs: number): Lane {
  const { failures, misses } = remembered(network, nowMs, networkMemoryMs)
  return { failures: failures + 1, misses: misses + 1, lastAt: nowMs }
}

/** Returns whether so much has failed in a lane that an unknown device in it must be confirmed by the owner's mailbox. */
export function needsConfirmation(lane: Lane, nowMs: number): boolean {
  return missesOf(lane, nowMs) >= maxMisses
}

/** How long a lane of one's own is still closed, in milliseconds; 0 when it is open. */
export function waitMs(lane: Lane, nowMs: number): number {
  const current = remembered(lane, nowMs, laneMemoryMs)
  return remaining(delayMs(current.failures), current, nowMs)
}

/**
 * How long the strangers' lane is still closed for a network, in milliseconds. While it is under attack it opens to networks that have not failed here,
 * and only later to those that have, the later the more often: guessers use their networks up, and whoever comes from a fresh one is let in before them.
 */
export function strangerWaitMs(strangers: Lane, network: Lane, nowMs: number): number {
  const current = remembered(strangers, nowMs, laneMemoryMs)
  const delay = delayMs(current.failures)
  if (delay < longestDelayMs) return remaining(delay, current, nowMs)
  const { failures } = remembered(network, nowMs, networkMemoryMs)
  return remaining(delay + Math.min(longestHandicapMs, failures * longestDelayMs), current, nowMs)
}

function delayMs(failures: number): number {
  return failures < freeTries ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - freeTries))
}

function remaining(delay: number, lane: Lane, nowMs: number): number {
  return Math.max(0, delay - sinceMs(lane, nowMs))
}

function missesOf(lane: Lane, nowMs: number): number {
  return remembered(lane, nowMs, networkMemoryMs).misses
}

function remembered(lane: Lane, nowMs: number, memoryMs: number): Lane {
  return sinceMs(lane, nowMs) < memoryMs ? lane : emptyLane
}

// The absolute difference: servers' clocks differ a little, and one that was far ahead must close nothing for long.
function sinceMs({ lastAt }: Lane, nowMs: number): number {
  return Math.abs(nowMs - lastAt)
}
