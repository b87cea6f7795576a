import type { Clock } from 'latchkey'
import type { OwnData } from '../../accounts/own-data.js'
import type { App } from '../../http/app.js'
import { actingOf } from '../caller.js'
import { ExportAnswer, exportAnswer } from '../export-answer.js'
import { forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'exportMe',
  summary: 'Export all that the server stores about you, except secrets',
  security: byToken,
  response: { 200: ExportAnswer, ...refusals(...forToken) },
}

/** GET /v1/me/export */
export function addExportMe(app: App, ownData: OwnData, clock: Clock): void {
  app.get('/v1/me/export', { schema, config: { impersonation: 'refuse' } }, async (request) => {
    const { accountId, sessionId } = actingOf(request)
    return exportAnswer(await ownData.read(accountId), { currentId: sessionId, nowMs: clock.now() })
  })
}
