import type { Registration } from '../../accounts/registration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { acceptedAnswer } from '../answers.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { forBody, forNewPassword, refusals } from '../refusals.js'
import { EitherSignedIn, NameInput, OneTimeTokenInput, PasswordInput, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  operationId: 'acceptInvitation',
  tags: ['mailed links'],
  summary: 'Accept an invitation: create the account and sign in',
  description:
    'The account gets the address of the invitation. The address counts as verified if the ' +
    'link was mailed to it, but not if an administrator handed the link out. The answer is ' +
    '202 where the address must be verified before the first login ' +
    '(LATCHKEY_UNVERIFIED_SIGN_IN=refuse).',
  headers: SignInHeaders,
  body: Type.Object(
    { token: OneTimeTokenInput, password: PasswordInput, name: Type.Optional(NameInput) },
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
      'link_invalid',
      ...forNewPassword,
      'email_taken',
    ),
  },
}

/** POST /v1/register/invited */
export function addAcceptInvitation(app: App, registration: Registration, cookies: SessionCookies): void {
  app.post('/v1/register/invited', { schema }, async (request, reply) => {
    const signedIn = await registration.acceptInvitation(request.body, originOf(request), deviceOf(request))
    if (signedIn === undefined) return reply.code(202).send(acceptedAnswer)
    return reply.code(201).send(deliverTokens(request, reply, { signedIn, cookies }))
  })
}
