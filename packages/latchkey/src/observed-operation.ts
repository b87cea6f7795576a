import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { performance } from './timers.js'

/** A message of a tracing channel: the same object for all events of one call. */
export type Traced<Call extends object> = Call & {
  /**
   * Whether the call returned a promise. It is set before `end`; if `true`, `asyncEnd` is the end
   * of the call.
   */
  readonly isAsync: boolean
  /** The error of a failed call; set before `error` is published. */
  readonly error?: unknown
}

/** The end of an observed call. */
export interface Ending<T> {
  /** The result; `undefined` after a failure. */
  readonly result: T | undefined
  readonly failure: { readonly error: unknown } | undefined
  /** Whether the call returned a promise. */
  readonly isAsync: boolean
  readonly durationMs: number
}

/**
 * A kind of call with two diagnostics channels of one name. The plain channel publishes a message
 * at the end of each call, for counters. The tracing channel publishes `start`, `end`,
 * `asyncStart`, `asyncEnd` and `error`, for spans.
 *
 * `tracePromise` of Node.js is not used, because it publishes the result, which may be a token.
 */
export class ObservedOperation<Call extends object, Message extends Call> {
  readonly finished: Channel
  readonly #trace: TracingChannel<unknown, Traced<Call>>

  constructor(name: string) {
    this.finished = channel(name)
    this.#trace = tracingChannel(name)
  }

  /** Whether a channel has a subscriber. Without one, callers skip `observe`. */
  get isObserved(): boolean {
    return this.finished.hasSubscribers || this.#trace.hasSubscribers
  }

  /**
   * Runs `work` and publishes the call. `messageOf` is called only if the plain channel has a
   * subscriber.
   */
  observe<T>(call: Call, work: () => Promise<T>, messageOf: (ending: Ending<T>) => Message): Promise<T>
  observe<T>(call: Call, work: () => MaybePromise<T>, messageOf: (ending: Ending<T>) => Message): MaybePromise<T>
  observe<T>(call: Call, work: () => MaybePromise<T>, messageOf: (ending: Ending<T>) => Message): MaybePromise<T> {
    const { start, end, asyncStart, asyncEnd, error: failed } = this.#trace
    const traced: Call & { isAsync: boolean; error?: unknown } = { ...call, isAsync: false }
    const startedAt = performance.now()
    const finish = (result: T | undefined, failure?: { readonly error: unknown }) => {
      if (!this.finished.hasSubscribers) return
      const durationMs = performance.now() - startedAt
      this.finished.publish(messageOf({ result, failure, isAsync: traced.isAsync, durationMs }))
    }
    const fail = (error: unknown) => {
      traced.error = error
      failed.publish(traced)
      finish(undefined, { error })
    }
    const settle = () => {
      asyncStart.publish(traced)
      asyncEnd.publish(traced)
    }
    const run = (): MaybePromise<T> => {
      try {
        const result = work()
        if (!isPromise(result)) {
          finish(result)
          return result
        }
        traced.isAsync = true
        return result.then(
          (value) => {
            settle()
            finish(value)
            return value
          },
          (error: unknown) => {
            fail(error)
            settle()
            throw error
          },
        )
      } catch (error) {
        fail(error)
        throw error
      } finally {
        end.publish(traced)
      }
    }
    return start.runStores(traced, run)
  }
}
