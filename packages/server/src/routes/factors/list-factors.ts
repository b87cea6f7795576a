import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { factorOverviewAnswer } from '../answers.js'
import { actingOf } from '../caller.js'
import { FactorOverview } from '../factor-schemas.js'
import { forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['factors'],
  operationId: 'listFactors',
  summary: 'List your factors, the number of recovery codes and the trusted devices',
  security: byToken,
  response: { 200: FactorOverview, ...refusals(...forToken) },
}

/** GET /v1/me/factors */
export function addListFactors(app: App, ownFactors: OwnFactors): void {
  app.get('/v1/me/factors', { schema }, async (request) =>
    factorOverviewAnswer(await ownFactors.list(actingOf(request).accountId)),
  )
}
