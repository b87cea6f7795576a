import type { OwnAccount } from '../../accounts/own-account.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { accountAnswer } from '../answers.js'
import { actingOf } from '../caller.js'
import { forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'readMe',
  summary: 'Read your account',
  security: byToken,
  response: { 200: Type.Ref('Account#'), ...refusals(...forToken) },
}

/** GET /v1/me */
export function addReadMe(app: App, ownAccount: OwnAccount): void {
  app.get('/v1/me', { schema }, async (request) => accountAnswer(await ownAccount.read(actingOf(request).accountId)))
}
