/**
 * Calls a callback of the application in a later turn of the event loop, so that it cannot
 * interfere with the caller. An error that it throws or rejects with becomes a warning of the
 * process.
 */
export function callBack(callback: () => unknown): void {
  queueMicrotask(async () => {
    try {
      await callback()
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  })
}
