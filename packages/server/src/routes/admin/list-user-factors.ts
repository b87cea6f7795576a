import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { factorOverviewAnswer } from '../answers.js'
import { FactorOverview } from '../factor-schemas.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'listUserFactors',
  summary: 'List the factors of an account, the number of its recovery codes and its trusted devices',
  security: byToken,
  params: IdParams,
  response: { 200: FactorOverview, ...refusals(...forUrl, ...forAdmin, 'account_unknown') },
}

/** GET /v1/admin/users/:id/factors */
export function addListUserFactors(app: App, administration: Administration): void {
  app.get('/v1/admin/users/:id/factors', { schema }, async (request) =>
    factorOverviewAnswer(await administration.listFactors(request.params.id)),
  )
}
