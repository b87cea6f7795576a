import { isLatchkeyError } from '../../errors.js'
import { performance, sleep } from '../../timers.js'

/**
 * The longest time that a change retries or waits for locks of other transactions, in milliseconds.
 */
export const contentionPatienceMs = 4000

const longestPauseMs = 250

/**
 * Retries a transaction that lost against others (a deadlock, a serialization failure, a cancelled
 * statement), for at most `contentionPatienceMs`. Only for the library's own transactions, which
 * have no other effects and decide the same way each time.
 */
export async function retryContention<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + contentionPatienceMs
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isContention(error) || !(performance.now() < giveUpAt)) throw error
    }
    // Jitter keeps two transactions that have met from meeting again.
    await sleep(Math.random() * Math.min(longestPauseMs, 10 * 2 ** attempt))
  }
}

function isContention(error: unknown): boolean {
  return isLatchkeyError(error) && error.code === 'store_busy'
}
