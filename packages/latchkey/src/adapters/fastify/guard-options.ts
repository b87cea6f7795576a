import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LatchkeyError } from '../../errors.js'
import type { GuardOptions } from '../../http/guard-options.js'

/** Options of `requireAuth` in Fastify. */
export interface FastifyGuardOptions extends GuardOptions {
  /**
   * Called for a refused request. It may send the response, and return the `reply` if it sends it
   * later. Otherwise, or if it throws, the error handler of the application responds.
   *
   * @defaultValue none
   */
  readonly onRefusal?: (error: LatchkeyError, request: FastifyRequest, reply: FastifyReply) => unknown
}
