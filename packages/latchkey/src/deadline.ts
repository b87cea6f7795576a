import { clearTimeout, setImmediate, setTimeout } from './timers.js'

/**
 * Settles as `work` does, or rejects with the result of `failure` after `timeoutMs` milliseconds.
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, failure: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // After a stall of this process, a response may wait in the socket: one turn of the event loop
    // reads it.
    const timer = setTimeout(() => setImmediate(() => reject(failure())), timeoutMs)
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
