import type { App } from '../http/app.js'
import { Type } from '../http/type.js'
import { forBody, refusals } from './refusals.js'
import { originOf, type RouteContext } from './route-context.js'
import { OneTimeTokenInput } from './schemas.js'

const schema = {
  operationId: 'verifyEmail',
  tags: ['mailed links'],
  summary: 'Use the link that was mailed to an address: it is verified, or becomes the address of the account',
  body: Type.Object({ token: OneTimeTokenInput }, { additionalProperties: false }),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, 'link_invalid', 'account_disabled', 'email_taken'),
  },
}

/** POST /v1/email/verify */
export function addVerifyEmail(app: App, { emails }: RouteContext): void {
  app.post('/v1/email/verify', { schema, config: { limit: 'recovery' } }, async (request, reply) => {
    await emails.verify(request.body.token, originOf(request))
    return reply.code(204).send(null)
  })
}
