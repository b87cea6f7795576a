const firstDelayMs = 2000
const longestDelayMs = 3_600_000

/** Attempts after which an e-mail without a link is given up: those of about one day. */
const maxAttempts = 34

/** An e-mail with a link is tried at least this often in the remaining lifetime of the link. */
const attemptsLeft = 4

/**
 * Returns the delay before the next attempt: it doubles with each attempt, up to one hour, and is
 * shorter if the link expires soon. `remainingMs`: the remaining lifetime of the link.
 */
export function retryDelayMs(attempts: number, remainingMs = Number.POSITIVE_INFINITY): number {
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1), remainingMs / attemptsLeft)
  return Math.max(firstDelayMs, Math.floor(delayMs))
}

/**
 * Returns whether an e-mail is given up after this number of attempts. An e-mail with a link is
 * tried until the link expires.
 */
export function isExhausted(attempts: number, remainingMs: number | undefined): boolean {
  return remainingMs === undefined && attempts >= maxAttempts
}
