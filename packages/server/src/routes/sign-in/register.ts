import type { Registration } from '../../accounts/registration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { acceptedAnswer } from '../answers.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { forBody, forNewPassword, refusals } from '../refusals.js'
import { EitherSignedIn, EmailInput, NameInput, PasswordInput, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['sign in'],
  operationId: 'register',
  summary: 'Create an account and sign in',
  description:
    'The answer is 202 where a mailed link comes first: for every address with ' +
    'LATCHKEY_REGISTRATION=by-mail, whether or not it is taken; otherwise with ' +
    'LATCHKEY_UNVERIFIED_SIGN_IN=refuse. With LATCHKEY_REGISTRATION=invited or closed, every ' +
    'address gets the same refusal.',
  headers: SignInHeaders,
  body: Type.Object(
    { email: EmailInput, password: PasswordInput, name: Type.Optional(NameInput) },
    { additionalProperties: false },
  ),
  response: {
    201: EitherSignedIn,
    202: Type.Ref('Accepted#'),
    ...refusals(
      ...forBody,
      'csrf_refused',
      'registration_closed',
      'overloaded',
      'email_invalid',
      ...forNewPassword,
      'email_taken',
    ),
  },
}

/** POST /v1/register */
export function addRegister(app: App, registration: Registration, cookies: SessionCookies): void {
  const config = { limit: 'register' } as const
  app.post('/v1/register', { schema, config }, async (request, reply) => {
    const signedIn = await registration.register(request.body, originOf(request), deviceOf(request))
    if (signedIn === undefined) return reply.code(202).send(acceptedAnswer)
    return reply.code(201).send(deliverTokens(request, reply, { signedIn, cookies }))
  })
}
