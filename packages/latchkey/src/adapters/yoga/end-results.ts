import { isError } from '../../is-error.js'

/**
 * Returns the results of a subscription until `watch` calls back. The value of that call is then
 * the last result, and the source is closed without waiting for its next one.
 *
 * @param watch Returns a function that stops watching, which is called when the results are over.
 */
export function endResults<T>(
  source: AsyncIterable<T>,
  watch: (ended: (last: T) => void) => () => void,
): AsyncIterableIterator<T> {
  const results = source[Symbol.asyncIterator]()
  let last: { readonly value: T } | undefined
  let isOver = false
  let interrupt = () => {}
  const stop = watch((value) => {
    last = { value }
    interrupt()
  })

  function finish(): IteratorReturnResult<undefined> {
    isOver = true
    stop()
    return { done: true, value: undefined }
  }

  async function nextOrInterrupted(): Promise<IteratorResult<T> | undefined> {
    if (last !== undefined) return undefined
    // A promise of its own for each result: one for all would keep a reaction for each of them.
    const interrupted = new Promise<undefined>((resolve) => {
      interrupt = () => resolve(undefined)
    })
    return Promise.race([results.next(), interrupted])
  }

  return {
    async next() {
      if (isOver) return finish()
      try {
        const result = await nextOrInterrupted()
        if (last === undefined && result !== undefined) return result.done === true ? finish() : result
      } catch (error) {
        finish()
        throw error
      }
      finish()
      closeSource(results)
      return last === undefined ? finish() : { done: false, value: last.value }
    },
    async return() {
      const over = finish()
      await results.return?.()
      return over
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Closes the source. A generator closes only after its pending result, so nothing waits for it. */
function closeSource(results: AsyncIterator<unknown>): void {
  results.return?.().catch((error: unknown) => {
    process.emitWarning(isError(error) ? error : String(error))
  })
}

/** Returns whether a result of Yoga is a stream: that of a subscription, `@defer` or `@stream`. */
export function isStream<T>(result: T): result is Extract<T, AsyncIterable<unknown>> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result
}
