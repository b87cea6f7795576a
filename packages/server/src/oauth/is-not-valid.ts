import { isFailure } from 'latchkey'

/** Returns whether a token was refused because it is invalid, and not because the check failed. */
export function isNotValid(error: unknown): boolean {
  return isFailure(error) && error.statusCode === 401
}
