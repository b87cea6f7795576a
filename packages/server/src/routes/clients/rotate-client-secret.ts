import type { ClientAdministration } from '../../admin/client-administration.js'
import { secretGraceSec } from '../../clients/client-secret.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'
import { describedClientAnswer, RevealedClientAnswer } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'rotateClientSecret',
  summary: 'Create a new secret for a client',
  description:
    'Only this answer contains the new secret. The old secret stays valid until ' +
    '"grace_period" is over, so that the new one can be deployed without an interruption. Use ' +
    'a grace period of 0 for a leaked secret: it revokes all secrets of the client at once, ' +
    'and all tokens that were issued for them.',
  security: byToken,
  params: IdParams,
  body: Type.Object(
    {
      grace_period: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: secretGraceSec.max,
          description: `Seconds; ${secretGraceSec.default} by default.`,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: RevealedClientAnswer,
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'client_unknown', 'client_rotating'),
  },
}

/** POST /v1/admin/clients/:id/secrets */
export function addRotateClientSecret(app: App, clientAdministration: ClientAdministration): void {
  const options = { schema }
  app.post('/v1/admin/clients/:id/secrets', options, async (request) => {
    const { grace_period = secretGraceSec.default } = request.body
    const by = administratorOf(request)
    const { client, secret } = await clientAdministration.rotateSecret(by, request.params.id, grace_period)
    return { ...describedClientAnswer(client), client_secret: secret }
  })
}
