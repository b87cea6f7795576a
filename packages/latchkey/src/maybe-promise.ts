/** A value if it is in memory, or a promise if it must be read. `await` works on both. */
export type MaybePromise<T> = T | Promise<T>
