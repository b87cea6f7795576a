import type { PasskeySignIn } from '../../accounts/passkey-sign-in.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { ChallengeTokenInput, PasskeyAssertionInput } from '../passkey-schemas.js'
import { forBody, refusals } from '../refusals.js'
import { EitherSignedIn, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'signInWithPasskey',
  summary: 'Sign in with a passkey',
  description:
    'The passkey is the only factor that is asked for: its authenticator has verified the user. The ' +
    'challenge is used up by the first answer, right or wrong.',
  headers: SignInHeaders,
  body: Type.Object(
    { challenge_token: ChallengeTokenInput, passkey: PasskeyAssertionInput },
    { additionalProperties: false },
  ),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'challenge_invalid',
      'passkey_refused',
      'account_disabled',
      'email_unverified',
    ),
  },
}

/** POST /v1/passkeys/sign-in */
export function addSignInWithPasskey(app: App, passkeySignIn: PasskeySignIn, cookies: SessionCookies): void {
  const config = { limit: 'login' } as const
  app.post('/v1/passkeys/sign-in', { schema, config }, async (request, reply) => {
    const { challenge_token: challengeToken, passkey } = request.body
    const signedIn = await passkeySignIn.signIn({ challengeToken, passkey }, originOf(request), deviceOf(request))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}
