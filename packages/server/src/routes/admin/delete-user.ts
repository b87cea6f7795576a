import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'deleteUser',
  summary: 'Delete an account, its sessions and its secret',
  security: byToken,
  params: IdParams,
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'account_unknown', 'own_account', 'last_administrator'),
  },
}

/** DELETE /v1/admin/users/:id */
export function addDeleteUser(app: App, administration: Administration): void {
  app.delete('/v1/admin/users/:id', { schema }, async (request, reply) => {
    await administration.delete(administratorOf(request), request.params.id)
    return reply.code(204).send(null)
  })
}
