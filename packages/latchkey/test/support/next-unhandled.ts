import type { EventEmitter } from 'node:events'

const events = ['uncaughtException', 'unhandledRejection']

/**
 * Resolves with the next error that nothing in the process handles. Until then the test runner does
 * not see such errors, which would fail the run.
 */
export function nextUnhandled(): Promise<unknown> {
  const emitter: EventEmitter = process
  const restore = events.map((event) => {
    const others = emitter.rawListeners(event)
    emitter.removeAllListeners(event)
    return () => {
      emitter.removeAllListeners(event)
      for (const listener of others) emitter.on(event, listener as () => void)
    }
  })
  return new Promise((resolve) => {
    for (const event of events) {
      emitter.once(event, (error: unknown) => {
        for (const undo of restore) undo()
        resolve(error)
      })
    }
  })
}
