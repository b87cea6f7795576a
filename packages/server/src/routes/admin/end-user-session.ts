import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdInput } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'endUserSession',
  summary: 'End one session of an account and its tokens',
  security: byToken,
  params: Type.Object({ id: IdInput, session: IdInput }),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'session_unknown'),
  },
}

/** DELETE /v1/admin/users/:id/sessions/:session */
export function addEndUserSession(app: App, administration: Administration): void {
  app.delete('/v1/admin/users/:id/sessions/:session', { schema }, async (request, reply) => {
    const { id, session } = request.params
    await administration.endSession(administratorOf(request), session, id)
    return reply.code(204).send(null)
  })
}
