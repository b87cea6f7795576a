import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf, type RouteContext } from '../caller.js'
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
export function addDeleteClient(app: App, { clientAdministration, admin }: RouteContext): void {
  app.delete(
    '/v1/admin/clients/:id',
    { schema, config: { limit: 'admin' }, onRequest: admin },
    async (request, reply) => {
      await clientAdministration.delete(administratorOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}
