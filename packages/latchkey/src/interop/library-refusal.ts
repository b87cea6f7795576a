import { isLatchkeyError, type LatchkeyError } from '../errors.js'

/** The members by which applications recognise an error of a library, such as `name` and `code`. */
export type ErrorMembers = Readonly<Record<string, unknown>>

/**
 * Returns an error for a refused token with the members of the library's own errors and the refusal
 * as its `cause`. It is no instance of the library's class, which is not imported here. Any other
 * error stays as it is: 503 must not become 401.
 */
export function libraryRefusal(reason: unknown, membersOf: (reason: LatchkeyError) => ErrorMembers): unknown {
  if (!isRefusedToken(reason)) return reason
  return Object.assign(new Error(reason.message, { cause: reason }), membersOf(reason))
}

/** Returns whether an error means that the token is invalid. */
export function isRefusedToken(error: unknown): error is LatchkeyError {
  return isLatchkeyError(error) && error.status === 401
}
