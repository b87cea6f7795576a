import type { Registration } from '../../accounts/registration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { forBody, refusals } from '../refusals.js'
import { EitherSignedIn, OneTimeTokenInput, PasswordInput, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  operationId: 'finishRegistration',
  tags: ['mailed links'],
  summary: 'Finish a registration with the mailed link: create the account and sign in',
  description:
    'For LATCHKEY_REGISTRATION=by-mail. Needs the password of the registration, because ' +
    'someone other than the owner of the address may have requested the link.',
  headers: SignInHeaders,
  body: Type.Object({ token: OneTimeTokenInput, password: PasswordInput }, { additionalProperties: false }),
  response: {
    201: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'registration_closed',
      'overloaded',
      'link_invalid',
      'password_wrong',
      'guess_delayed',
      'email_taken',
    ),
  },
}

/** POST /v1/register/finish */
export function addFinishRegistration(app: App, registration: Registration, cookies: SessionCookies): void {
  app.post('/v1/register/finish', { schema }, async (request, reply) => {
    const signedIn = await registration.finish(request.body, originOf(request), deviceOf(request))
    return reply.code(201).send(deliverTokens(request, reply, { signedIn, cookies }))
  })
}
