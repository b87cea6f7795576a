const firstDelayMs = 2000
const longestDelayMs = 3_600_000

/** Attempts after which a letter without a link is given up: those of about a day. */
const maxAttempts = 34

/** A letter with a link is tried so often at least in the time that is left of it. */
const attemptsLeft = 4

/**
 * Returns how long after the failure of so many attempts the next one follows: twice as long each time, up to an hour, and sooner
 * when the link ends soon. `remainingMs`: how long the link of the letter holds.
 */
export function retryDelayMs(attempts: number, remainingMs = Number.POSITIVE_INFINITY): number {
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1), remainingMs / attemptsLeft)
  return Math.max(firstDelayMs, Math.floor(delayMs))
}

/** Returns whether a letter is given up for the number of its attempts: one with a link waits for as long as that holds. */
export function isExhausted(attempts: number, remainingMs: number | undefined): boolean {
  return remainingMs === undefined && attempts >= maxAttempts
}
