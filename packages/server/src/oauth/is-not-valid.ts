import { isLatchkeyError } from 'latchkey'
import { Problem } from '../problem.js'

/** Whether a token was refused for what it is, and not because that could not be found out. */
export function isNotValid(error: unknown): boolean {
  return (isLatchkeyError(error) || error instanceof Problem) && error.statusCode === 401
}
