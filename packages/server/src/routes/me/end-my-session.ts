import type { SignOut } from '../../accounts/sign-out.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'endMySession',
  summary: 'End one session',
  security: byToken,
  params: IdParams,
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forToken, 'csrf_refused', 'session_unknown'),
  },
}

/** DELETE /v1/me/sessions/:id */
export function addEndMySession(app: App, signOut: SignOut): void {
  app.delete('/v1/me/sessions/:id', { schema }, async (request, reply) => {
    await signOut.endSession(actingOf(request), request.params.id, originOf(request))
    return reply.code(204).send(null)
  })
}
