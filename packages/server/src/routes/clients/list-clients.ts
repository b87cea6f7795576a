import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, firstId, pageQuery } from '../schemas.js'
import { clientAnswer, ListedClient } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'listClients',
  summary: 'List clients, oldest first',
  security: byToken,
  querystring: Type.Object(pageQuery, { additionalProperties: false }),
  response: {
    200: Type.Object({
      clients: Type.Array(ListedClient),
      next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

/** GET /v1/admin/clients */
export function addListClients(app: App, clientAdministration: ClientAdministration): void {
  app.get('/v1/admin/clients', { schema }, async (request) => {
    const { limit, cursor = firstId } = request.query
    const { items, next } = await clientAdministration.list({ limit, after: cursor })
    return { clients: items.map(clientAnswer), next_cursor: next ?? null }
  })
}
