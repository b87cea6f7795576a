import { performance as performanceOfNode } from 'node:perf_hooks'
import * as timers from 'node:timers'
import * as promises from 'node:timers/promises'

/**
 * The timers of Node.js and its monotonic clock, as they are when the library is loaded. Test
 * runners replace the global ones, and some replace the members of `node:timers` as well. A
 * verification that waited for such a timer would never end.
 *
 * A faked `Date` takes effect nevertheless, because `systemClock` reads it at each call.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = timers

/** Timers that return promises: `sleep` waits for milliseconds, `nextTurn` for the event loop. */
export const { setTimeout: sleep, setImmediate: nextTurn } = promises

/** The monotonic clock. */
export const performance: { now(): number } = performanceOfNode
