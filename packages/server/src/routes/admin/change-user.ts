import { Type } from 'typebox'
import type { App } from '../../http/app.js'
import { managedAccountAnswer } from '../answers.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { administratorOf, type RouteContext } from '../route-context.js'
import { IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  summary: 'Change the role of an account',
  description: 'Its access tokens say the old role and are refused from now on; its sessions go on with a refresh.',
  security: [{ bearer: [] }],
  params: IdParams,
  body: Type.Object(
    { role: Type.Union([Type.Literal('user'), Type.Literal('admin')]) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(...forBody, ...forAdmin, 'account_unknown', 'own_account'),
  },
}

/** PATCH /v1/admin/users/:id */
export function addChangeUser(app: App, { administration, admin }: RouteContext): void {
  app.patch('/v1/admin/users/:id', { schema, config: { limit: 'admin' }, onRequest: admin }, async (request) => {
    const { params, body } = request
    return managedAccountAnswer(await administration.changeRole(administratorOf(request), params.id, body.role))
  })
}
