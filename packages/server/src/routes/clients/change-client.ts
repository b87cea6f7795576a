import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'
import { ClientChange, clientInput, DescribedClientAnswer, describedClientAnswer } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'changeClient',
  summary: 'Change the name or the scope of a client, or its right to introspect',
  description: 'When the scope changes, tokens that name the old scope are refused and the client must get new ones.',
  security: byToken,
  params: IdParams,
  body: ClientChange,
  response: {
    200: DescribedClientAnswer,
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'client_unknown', 'grants_too_large'),
  },
}

/** PATCH /v1/admin/clients/:id */
export function addChangeClient(app: App, clientAdministration: ClientAdministration): void {
  app.patch('/v1/admin/clients/:id', { schema }, async (request) => {
    const { params, body } = request
    return describedClientAnswer(
      await clientAdministration.change(administratorOf(request), params.id, clientInput(body)),
    )
  })
}
