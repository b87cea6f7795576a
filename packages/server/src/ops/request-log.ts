import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/**
 * Logs a share of all requests, from 0 to 1. Of the others, logs only the last line, and only for
 * refusals and failures.
 */
export class RequestLog extends LogController {
  readonly #share: number

  constructor(share: number) {
    super()
    this.#share = share
  }

  override incomingRequest(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#isLogged(request)) super.incomingRequest(request, reply)
  }

  override requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply): void {
    if (this.#isLogged(request)) super.requestCompleted(error, request, reply)
    else if (error || reply.statusCode >= 400) {
      // No earlier line identifies the request.
      const details = { req: request, res: reply, err: error ?? undefined, responseTime: reply.elapsedTime }
      reply.log[error ? 'error' : 'info'](details, error ? 'request errored' : 'request completed')
    }
  }

  /** Decides by the random ID of the request, so that its lines stay together. */
  #isLogged({ id }: FastifyRequest): boolean {
    return Number.parseInt(id.slice(0, 8), 16) < this.#share * 2 ** 32
  }
}
