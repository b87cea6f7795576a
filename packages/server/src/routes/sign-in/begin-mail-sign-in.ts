import { type MailSignIn, mailSignInTtlSec } from '../../accounts/mail-sign-in.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { acceptedAnswer } from '../answers.js'
import { deviceOf, originOf } from '../caller.js'
import { namedEmail } from '../named-email.js'
import { forBody, refusals } from '../refusals.js'
import { EmailInput, SignInHeaders } from '../schemas.js'

const schema = {
  tags: ['sign in'],
  operationId: 'beginMailSignIn',
  summary: 'Request a code or a link by mail to sign in with',
  description:
    'For LATCHKEY_MAIL_SIGN_IN. The answer is the same whether or not an account has the address. ' +
    'Keep "challenge_token" in the client that signs in: the code and the link work only together ' +
    'with it, once, for ten minutes. A new request ends the earlier one of the same client.',
  headers: SignInHeaders,
  body: Type.Object({ email: EmailInput }, { additionalProperties: false }),
  response: {
    202: Type.Object(
      {
        message: Type.String(),
        challenge_token: Type.String({ description: 'Proves that the sign-in is completed where it was begun.' }),
        expires_in: Type.Integer({ description: 'Seconds until the code and the link expire.' }),
      },
      { additionalProperties: false },
    ),
    ...refusals(...forBody, 'csrf_refused', 'mail_sign_in_off', 'mail_unavailable'),
  },
}

/** POST /v1/login/mail */
export function addBeginMailSignIn(app: App, mailSignIn: MailSignIn): void {
  const config = { limit: 'recovery', named: namedEmail } as const
  app.post('/v1/login/mail', { schema, config }, async (request, reply) => {
    const { token } = await mailSignIn.request(request.body.email, originOf(request), deviceOf(request))
    return reply.code(202).send({ ...acceptedAnswer, challenge_token: token, expires_in: mailSignInTtlSec })
  })
}
