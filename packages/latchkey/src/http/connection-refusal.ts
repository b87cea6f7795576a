import { isLatchkeyError } from '../errors.js'
import { isError } from '../is-error.js'
import { type ProblemAnswer, problemAnswer } from './problem.js'

/**
 * Returns the response to a refused handshake. An error that is no refusal becomes a warning of the
 * process, because handshakes have no error handler of the application.
 */
export function connectionRefusal(error: unknown): ProblemAnswer {
  if (!isLatchkeyError(error)) process.emitWarning(isError(error) ? error : String(error))
  return problemAnswer(error)
}
