import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/**
 * Logs the lines of a share of all requests, from 0 to 1; of the others only the last line, and only where the answer is
 * a refusal or a failure.
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
      // No line before it says which request it is.
      const details = { req: request, res: reply, err: error ?? undefined, responseTime: reply.elapsedTime }
      reply.log[error ? 'error' : 'info'](details, error ? 'request errored' : 'request completed')
    }
  }

  /** Decides by the random ID of the request, so that its lines stay together. */
  #isLogged({ id }: FastifyRequest): boolean {
    return Number.parseInt(id.slice(0, 8), 16) < this.#share * 2 ** 32
  }
}
