/**
 * Settles as `work` does, or rejects with what `failure` returns once `timeoutMs` milliseconds have passed.
 */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, failure: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // When this process was stalled, the answer may lie in the socket unread: one turn of the loop reads it.
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
