import type { SecondFactorAnswer, SecondStep } from '../../accounts/second-step.js'
import type { PasskeyAssertion } from '../../factors/webauthn.js'
import type { App } from '../../http/app.js'
import { httpFailures } from '../../http/failures.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { PasskeyAssertionInput } from '../passkey-schemas.js'
import { forBody, refusals } from '../refusals.js'
import { CodeInput, EitherSignedIn, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

/** The body: a step with exactly one answer. */
interface SecondFactorBody {
  readonly challenge_token: string
  readonly trust_device?: boolean
  readonly code?: string
  readonly recovery_code?: string
  readonly passkey?: PasskeyAssertion
}

const schema = {
  tags: ['sign in'],
  operationId: 'completeSecondFactor',
  summary: 'Complete a sign-in with a second factor',
  description:
    'Send exactly one of "code" (of an authenticator app), "recovery_code" and "passkey", from the ' +
    'device that has sent the password. Each code works once. After wrong codes the next attempt ' +
    'is delayed, and the challenge can be answered again until it expires.',
  headers: SignInHeaders,
  body: Type.Unsafe<SecondFactorBody>({
    ...Type.Object(
      {
        challenge_token: Type.String({ minLength: 1, maxLength: 255 }),
        code: Type.Optional(CodeInput),
        recovery_code: Type.Optional(CodeInput),
        passkey: Type.Optional(PasskeyAssertionInput),
        trust_device: Type.Optional(
          Type.Boolean({
            description:
              'Whether sign-ins on this device need the password alone for the time of ' +
              'LATCHKEY_TRUSTED_DEVICE_TTL. A change of the password or of a factor ends it.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    oneOf: ['code', 'recovery_code', 'passkey'].map((name) => ({ required: [name] })),
  }),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'challenge_invalid',
      'second_factor_wrong',
      'second_factor_blocked',
      'guess_delayed',
      'account_disabled',
      'email_unverified',
      'session_ended',
      'tenant_disabled',
    ),
  },
}

/** POST /v1/login/second-factor */
export function addSecondFactor(app: App, secondStep: SecondStep, cookies: SessionCookies): void {
  const config = { limit: 'login' } as const
  app.post('/v1/login/second-factor', { schema, config }, async (request, reply) => {
    const { challenge_token: challengeToken, trust_device: trustDevice } = request.body
    const step = { challengeToken, trustDevice, answer: answerOf(request.body) }
    const signedIn = await secondStep.complete(step, originOf(request), deviceOf(request))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}

/** The schema of the route admits exactly one answer. */
function answerOf({ code, recovery_code: recoveryCode, passkey }: SecondFactorBody): SecondFactorAnswer {
  if (code !== undefined) return { method: 'totp', code }
  if (recoveryCode !== undefined) return { method: 'recovery_code', code: recoveryCode }
  if (passkey !== undefined) return { method: 'passkey', assertion: passkey }
  throw httpFailures.refusal('validation_failed')
}
