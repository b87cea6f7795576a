import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLatchkeyError } from '../../errors.js'
import { isError } from '../../is-error.js'
import type { Hook, HookedRequest } from './auth-hook.js'
import type { FastifyGuardOptions } from './guard-options.js'

type Reply = Parameters<Hook>[1]
type Done = Parameters<Hook>[2]

/**
 * Passes an error to the error handler of the application. For a refusal, sets its challenge first.
 */
export function refuse(error: unknown, reply: Reply, done: Done): void {
  if (isLatchkeyError(error)) {
    for (const [name, value] of Object.entries(error.headers)) reply.header(name, value)
  }
  done(isError(error) ? error : new TypeError('Something that is no Error was thrown.'))
}

/** Returns a function that passes refusals to `onRefusal` first, and other errors to `refuse`. */
export function refuseBy(
  onRefusal: FastifyGuardOptions['onRefusal'],
): (error: unknown, request: HookedRequest, reply: Reply, done: Done) => void {
  if (onRefusal === undefined) return (error, _request, reply, done) => refuse(error, reply, done)
  return (error, request, reply, done) => {
    if (!isLatchkeyError(error)) {
      refuse(error, reply, done)
      return
    }
    const whole = reply as FastifyReply
    const handle = async () => {
      // A `reply` that is returned resolves once its response is sent.
      await onRefusal(error, request as FastifyRequest, whole)
      if (!whole.sent) refuse(error, reply, done)
    }
    handle().catch((thrown: unknown) => refuse(thrown, reply, done))
  }
}
