import type { EmailVerification } from '../../accounts/email-verification.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { acceptedAnswer } from '../answers.js'
import { originOf } from '../caller.js'
import { namedEmail } from '../named-email.js'
import { forBody, refusals } from '../refusals.js'
import { EmailInput } from '../schemas.js'

const schema = {
  operationId: 'resendEmailLink',
  tags: ['mailed links'],
  summary: 'Request another verification link for an address',
  description: 'The answer is the same whether or not an account has the address, and whether or not it is verified.',
  body: Type.Object({ email: EmailInput }, { additionalProperties: false }),
  response: { 202: Type.Ref('Accepted#'), ...refusals(...forBody, 'mail_unavailable') },
}

/** POST /v1/email/resend */
export function addResendEmail(app: App, emails: EmailVerification): void {
  app.post('/v1/email/resend', { schema, config: { named: namedEmail } }, async (request, reply) => {
    await emails.requestLink(request.body.email, originOf(request))
    return reply.code(202).send(acceptedAnswer)
  })
}
