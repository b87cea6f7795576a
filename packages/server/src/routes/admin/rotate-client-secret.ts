import { secretGraceSec } from '../../clients/client-secret.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { administratorOf, type RouteContext } from '../route-context.js'
import { byToken, IdParams } from '../schemas.js'
import { describedClientAnswer, RevealedClientAnswer } from './client-schemas.js'

const schema = {
  tags: ['clients'],
  operationId: 'rotateClientSecret',
  summary: 'Give a client a new secret',
  description:
    'Its secret is in this answer and nowhere else. The secret that there is holds until "grace_period" is over, so that the new one can be brought ' +
    'out and nobody notices. A grace period of 0 is for a secret that has leaked: whatever there is ends at once, and every token that was got for it.',
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
export function addRotateClientSecret(app: App, { clientAdministration, admin }: RouteContext): void {
  const options = { schema, config: { limit: 'admin' }, onRequest: admin } as const
  app.post('/v1/admin/clients/:id/secrets', options, async (request) => {
    const { grace_period = secretGraceSec.default } = request.body
    const by = administratorOf(request)
    const { client, secret } = await clientAdministration.rotateSecret(by, request.params.id, grace_period)
    return { ...describedClientAnswer(client), client_secret: secret }
  })
}
