import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'deleteClient',
  summary: 'Delete a client, its secrets and its tokens',
  security: byToken,
  params: IdParams,
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'client_unknown'),
  },
}

/** DELETE /v1/admin/clients/:id */
export function addDeleteClient(app: App, clientAdministration: ClientAdministration): void {
  app.delete('/v1/admin/clients/:id', { schema }, async (request, reply) => {
    await clientAdministration.delete(administratorOf(request), request.params.id)
    return reply.code(204).send(null)
  })
}
