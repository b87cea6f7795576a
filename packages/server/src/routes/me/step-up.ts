import type { SecondFactorProof, StepUp } from '../../accounts/step-up.js'
import type { PasskeyAssertion } from '../../factors/webauthn.js'
import type { App } from '../../http/app.js'
import { httpFailures } from '../../http/failures.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { PasskeyAssertionInput } from '../passkey-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, EitherSignedIn, ModeHeader, PasswordInput } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['own account'],
  operationId: 'stepUp',
  summary: 'Authenticate again in this session (RFC 9470)',
  description:
    'Send the password of an account without a second factor. With one, send a code of the ' +
    'authenticator app, or a passkey with its challenge. The session gets a new ID and new tokens, ' +
    'and all its earlier tokens end.',
  security: byToken,
  headers: ModeHeader,
  body: Type.Object(
    {
      password: Type.Optional(PasswordInput),
      code: Type.Optional(Type.String({ minLength: 6, maxLength: 16, description: 'Of the authenticator app.' })),
      challenge_token: Type.Optional(Type.String({ maxLength: 64 })),
      passkey: Type.Optional(PasskeyAssertionInput),
    },
    { additionalProperties: false },
  ),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'csrf_refused',
      'password_wrong',
      'password_insufficient',
      'guess_delayed',
      'challenge_invalid',
      'second_factor_wrong',
      'second_factor_blocked',
      'passkey_refused',
    ),
  },
}

/** The body of the request. */
interface StepUpInput {
  readonly password?: string
  readonly code?: string
  readonly challenge_token?: string
  readonly passkey?: PasskeyAssertion
}

/** POST /v1/me/step-up */
export function addStepUp(app: App, stepUp: StepUp, cookies: SessionCookies): void {
  app.post('/v1/me/step-up', { schema }, async (request, reply) => {
    const [acting, origin] = [actingOf(request), originOf(request)]
    const { password } = request.body
    const proof = proofIn(request.body)
    if ((password === undefined) === (proof === undefined)) throw httpFailures.refusal('validation_failed')
    const signedIn =
      proof === undefined
        ? await stepUp.byPassword(acting, password ?? '', origin)
        : await stepUp.bySecondFactor(acting, proof, origin)
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}

/** Returns the second factor in the body, if there is exactly one. */
function proofIn({ code, passkey, challenge_token: challengeToken }: StepUpInput): SecondFactorProof | undefined {
  const hasPasskey = passkey !== undefined && challengeToken !== undefined
  if (code !== undefined) return passkey === undefined && challengeToken === undefined ? { code } : undefined
  return hasPasskey ? { challengeToken, passkey } : undefined
}
