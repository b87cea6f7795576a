import type { ClientAdministration } from '../../admin/client-administration.js'
import type { App } from '../../http/app.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'
import { clientInput, describedClientAnswer, NewClient, RevealedClientAnswer } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'createClient',
  summary: 'Create a client: a program that gets its own tokens',
  description: 'Only this answer contains the secret of the client.',
  security: byToken,
  body: NewClient,
  response: { 201: RevealedClientAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'grants_too_large') },
}

/** POST /v1/admin/clients */
export function addCreateClient(app: App, clientAdministration: ClientAdministration): void {
  app.post('/v1/admin/clients', { schema }, async (request, reply) => {
    const input = { scope: '', mayIntrospect: false, ...clientInput(request.body), name: request.body.name }
    const { client, secret } = await clientAdministration.create(administratorOf(request), input)
    return reply.code(201).send({ ...describedClientAnswer(client), client_secret: secret })
  })
}
