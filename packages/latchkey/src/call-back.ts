/**
 * Calls a callback of the application on a turn of its own, so that nothing that it does changes what
 * the caller is about to do. An error that it throws, or rejects with, is a warning of the process: it
 * does not end the process.
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
