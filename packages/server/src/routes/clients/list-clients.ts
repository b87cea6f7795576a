import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { RouteContext } from '../caller.js'
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
export function addListClients(app: App, { clientAdministration, admin }: RouteContext): void {
  app.get('/v1/admin/clients', { schema, config: { limit: 'admin' }, onRequest: admin }, async (request) => {
    const { limit, cursor = firstId } = request.query
    const { items, next } = await clientAdministration.list({ limit, after: cursor })
    return { clients: items.map(clientAnswer), next_cursor: next ?? null }
  })
}
