/** The value itself when it is in memory, a promise when it must be read. `await` works on both. */
export type MaybePromise<T> = T | Promise<T>
