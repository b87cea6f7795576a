import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'

/**
 * Runs guards again for a request whose answer is still being sent. Rejects with the refusal of the
 * first one that refuses it.
 */
export async function runGuards(
  guards: readonly onRequestHookHandler[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  for (const guard of guards) {
    await new Promise<void>((resolve, reject) => {
      guard.call(request.server, request, reply, (error?: Error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}
