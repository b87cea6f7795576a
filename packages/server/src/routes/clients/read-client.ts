import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'
import { DescribedClientAnswer, describedClientAnswer } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'readClient',
  summary: 'Read a client and the dates of its secrets',
  security: byToken,
  params: IdParams,
  response: { 200: DescribedClientAnswer, ...refusals(...forUrl, ...forAdmin, 'client_unknown') },
}

/** GET /v1/admin/clients/:id */
export function addReadClient(app: App, clientAdministration: ClientAdministration): void {
  app.get('/v1/admin/clients/:id', { schema }, async (request) =>
    describedClientAnswer(await clientAdministration.read(request.params.id)),
  )
}
