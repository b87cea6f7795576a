import type { Clock } from 'latchkey'
import type { OwnData } from '../accounts/own-data.js'
import type { App } from '../http/app.js'
import { actingOf } from '../routes/caller.js'
import { exportAnswer } from '../routes/export-answer.js'

interface ExportDependencies {
  readonly ownData: OwnData
  readonly clock: Clock
}

/** GET /account/export.json: the data of the account as a file (GDPR, articles 15 and 20). */
export function addExportData(app: App, { ownData, clock }: ExportDependencies): void {
  const options = { schema: { hide: true }, config: { page: true, impersonation: 'refuse' } } as const
  app.get('/account/export.json', options, async (request, reply) => {
    const { accountId, sessionId } = actingOf(request)
    const data = exportAnswer(await ownData.read(accountId), { currentId: sessionId, nowMs: clock.now() })
    reply.header('Content-Disposition', 'attachment; filename="account.json"')
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(data, undefined, 2))
  })
}
