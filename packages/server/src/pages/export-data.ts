import type { App } from '../http/app.js'
import { accountAnswer, sessionAnswer } from '../routes/answers.js'
import { actingOf } from '../routes/caller.js'
import type { Sessions } from '../sessions/sessions.js'
import type { OpenAccountPage } from './account-page-context.js'

interface ExportDependencies {
  readonly open: OpenAccountPage
  readonly sessions: Sessions
}

/** GET /account/export.json: the data of the account as a file (GDPR, article 20). */
export function addExportData(app: App, { open, sessions }: ExportDependencies): void {
  const options = { schema: { hide: true }, config: { page: true } } as const
  app.get('/account/export.json', options, async (request, reply) => {
    const { account } = await open(request, reply)
    const { accountId, sessionId } = actingOf(request)
    const live = await sessions.list(accountId)
    const data = {
      account: accountAnswer(account),
      sessions: live.map((session) => sessionAnswer(session, sessionId)),
    }
    reply.header('Content-Disposition', 'attachment; filename="account.json"')
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(data, undefined, 2))
  })
}
