import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'readUser',
  summary: 'Read an account',
  security: byToken,
  params: IdParams,
  response: { 200: Type.Ref('ManagedAccount#'), ...refusals(...forUrl, ...forAdmin, 'account_unknown') },
}

/** GET /v1/admin/users/:id */
export function addReadUser(app: App, administration: Administration): void {
  app.get('/v1/admin/users/:id', { schema }, async (request) =>
    managedAccountAnswer(await administration.read(request.params.id)),
  )
}
