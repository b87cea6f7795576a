import type { SignIn } from '../../accounts/sign-in.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Tracing } from '../../ops/tracing/tracing.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverDeviceToken, deliverTokens } from '../deliver-tokens.js'
import { namedEmail } from '../named-email.js'
import { forBody, refusals } from '../refusals.js'
import { EitherSignedIn, EmailInput, PasswordInput, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['sign in'],
  operationId: 'login',
  summary: 'Sign in',
  description:
    'An account with a second factor gets `second_factor_required` for the right password, with a ' +
    '"challenge_token" for POST /v1/login/second-factor. Only the device that has sent the ' +
    'password can complete that step: send the "device_token" of the refusal along.',
  headers: SignInHeaders,
  body: Type.Object({ email: EmailInput, password: PasswordInput }, { additionalProperties: false }),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'overloaded',
      'invalid_credentials',
      'account_disabled',
      'email_unverified',
      'guess_delayed',
      'device_confirmation_required',
      'second_factor_required',
    ),
  },
}

/** POST /v1/login */
export function addLogin(
  app: App,
  {
    signIn,
    cookies,
    tracing,
  }: { readonly signIn: SignIn; readonly cookies: SessionCookies; readonly tracing: Tracing },
): void {
  const config = { limit: 'login', named: namedEmail } as const
  app.post('/v1/login', { schema, config }, async (request, reply) => {
    const signedIn = await tracing
      .within({ name: 'latchkey.login' }, () => signIn.login(request.body, originOf(request), deviceOf(request)))
      .catch((error: unknown) => deliverDeviceToken(request, reply, { error, cookies }))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}
