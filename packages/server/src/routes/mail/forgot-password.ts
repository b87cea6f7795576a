import type { Recovery } from '../../accounts/recovery.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { acceptedAnswer } from '../answers.js'
import { originOf } from '../caller.js'
import { namedEmail } from '../named-email.js'
import { forBody, refusals } from '../refusals.js'
import { EmailInput } from '../schemas.js'

const schema = {
  operationId: 'forgotPassword',
  tags: ['mailed links'],
  summary: 'Request a password reset link',
  description: 'The answer is the same whether or not an account has the address.',
  body: Type.Object({ email: EmailInput }, { additionalProperties: false }),
  response: { 202: Type.Ref('Accepted#'), ...refusals(...forBody, 'mail_unavailable') },
}

/** POST /v1/password/forgot */
export function addForgotPassword(app: App, recovery: Recovery): void {
  app.post('/v1/password/forgot', { schema, config: { named: namedEmail } }, async (request, reply) => {
    await recovery.forgot(request.body.email, originOf(request))
    return reply.code(202).send(acceptedAnswer)
  })
}
