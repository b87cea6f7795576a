/** A value if it is in memory, or a promise if it must be read. `await` works on both. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Returns whether the value must be awaited.
 *
 * Not `instanceof`, which depends on the global `Promise`: an application may have replaced it, as
 * Bluebird and zone.js do, and a guard must not take a promise for an identity.
 */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | null | undefined)?.then === 'function'
}
