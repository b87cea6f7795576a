import { setTimeout as sleep } from 'node:timers/promises'
import { isLatchkeyError } from '../../errors.js'

/** How long a change tries to get what other transactions hold, in milliseconds. */
export const contentionPatienceMs = 4000

const longestPauseMs = 250

/**
 * Runs a transaction again while it loses against others (a deadlock, a serialisation failure, a statement that was cancelled), for as long as
 * `contentionPatienceMs`. Only for transactions of the library's own, of which nothing has happened yet and which decide the same way each time.
 */
export async function retryContention<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + contentionPatienceMs
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isContention(error) || !(performance.now() < giveUpAt)) throw error
    }
    // Jitter, so that two that have met do not meet again.
    await sleep(Math.random() * Math.min(longestPauseMs, 10 * 2 ** attempt))
  }
}

function isContention(error: unknown): boolean {
  return isLatchkeyError(error) && error.code === 'store_busy'
}
