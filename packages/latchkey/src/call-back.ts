import { isError } from './is-error.js'
/**
 * Calls a callback of the application in a later turn of the event loop, so that it cannot
 * interfere with the caller. An error that it throws or rejects with becomes a warning of the
 * process.
 */
export function callBack(callback: () => unknown): void {
  // By a promise and not by `queueMicrotask`, which fake timers of test runners replace.
  void Promise.resolve()
    .then(callback)
    .catch((error: unknown) => process.emitWarning(isError(error) ? error : String(error)))
}
