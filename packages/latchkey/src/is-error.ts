import { types } from 'node:util'

/**
 * Returns whether a value is an error. `instanceof` alone is not enough: in Jest, errors that
 * Node.js creates are of another realm. `isNativeError` alone is not either: drivers create objects
 * that only inherit from `Error`.
 */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value)
}
