import { isLatchkeyError } from '../../errors.js'
import type { Hook } from './auth-hook.js'

/**
 * Passes an error to the error handler of the application. For a refusal, sets its challenge first.
 */
export function refuse(error: unknown, reply: Parameters<Hook>[1], done: Parameters<Hook>[2]): void {
  if (isLatchkeyError(error)) {
    for (const [name, value] of Object.entries(error.headers)) reply.header(name, value)
  }
  done(error instanceof Error ? error : new TypeError('Something that is no Error was thrown.'))
}
