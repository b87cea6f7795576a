import { authOf } from 'latchkey/fastify'
import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { sessionAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'listUserSessions',
  summary: 'List the sessions of an account, newest first',
  security: byToken,
  params: IdParams,
  response: { 200: Type.Ref('Sessions#'), ...refusals(...forUrl, ...forAdmin, 'account_unknown') },
}

/** GET /v1/admin/users/:id/sessions */
export function addListUserSessions(app: App, administration: Administration): void {
  app.get('/v1/admin/users/:id/sessions', { schema }, async (request) => {
    const live = await administration.listSessions(request.params.id)
    return { sessions: live.map((session) => sessionAnswer(session, authOf(request).sessionId)) }
  })
}
