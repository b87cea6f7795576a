import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Sessions } from '../../sessions/sessions.js'
import { sessionAnswer } from '../answers.js'
import { actingOf } from '../caller.js'
import { forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'listMySessions',
  summary: 'List your sessions, newest first',
  security: byToken,
  response: { 200: Type.Ref('Sessions#'), ...refusals(...forToken) },
}

/** GET /v1/me/sessions */
export function addListMySessions(app: App, sessions: Sessions): void {
  app.get('/v1/me/sessions', { schema }, async (request) => {
    const { accountId, sessionId } = actingOf(request)
    const live = await sessions.list(accountId)
    return { sessions: live.map((session) => sessionAnswer(session, sessionId)) }
  })
}
