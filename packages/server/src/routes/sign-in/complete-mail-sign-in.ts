import type { MailAnswer, MailSignIn } from '../../accounts/mail-sign-in.js'
import type { App } from '../../http/app.js'
import { httpFailures } from '../../http/failures.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { deliverDeviceToken, deliverTokens } from '../deliver-tokens.js'
import { ChallengeTokenInput } from '../passkey-schemas.js'
import { forBody, refusals } from '../refusals.js'
import { CodeInput, EitherSignedIn, OneTimeTokenInput, SignInHeaders } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

/** The body: a challenge with exactly one answer. */
interface MailSignInBody {
  readonly challenge_token: string
  readonly code?: string
  readonly token?: string
}

const schema = {
  tags: ['sign in'],
  operationId: 'completeMailSignIn',
  summary: 'Complete a sign-in by mail',
  description:
    'Send exactly one of "code" and "token" (of the mailed link), with the "challenge_token" of the ' +
    'client that has asked for the e-mail. After five wrong codes the challenge ends. The sign-in ' +
    'verifies the address. If it is the first proof of the address, everything from before ends, ' +
    'because an attacker may have registered it: password, sessions, factors and links. An account ' +
    'with a second factor gets `second_factor_required`, as after a right password.',
  headers: SignInHeaders,
  body: Type.Unsafe<MailSignInBody>({
    ...Type.Object(
      {
        challenge_token: ChallengeTokenInput,
        code: Type.Optional(CodeInput),
        token: Type.Optional(OneTimeTokenInput),
      },
      { additionalProperties: false },
    ),
    oneOf: ['code', 'token'].map((name) => ({ required: [name] })),
  }),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'mail_sign_in_off',
      'challenge_invalid',
      'mail_code_wrong',
      'mail_link_elsewhere',
      'account_disabled',
      'second_factor_required',
      'session_ended',
      'tenant_disabled',
    ),
  },
}

/** POST /v1/login/mail/complete */
export function addCompleteMailSignIn(app: App, mailSignIn: MailSignIn, cookies: SessionCookies): void {
  const config = { limit: 'login' } as const
  app.post('/v1/login/mail/complete', { schema, config }, async (request, reply) => {
    const answered = { challengeToken: request.body.challenge_token, answer: answerOf(request.body) }
    const signedIn = await mailSignIn
      .complete(answered, originOf(request), deviceOf(request))
      .catch((error: unknown) => deliverDeviceToken(request, reply, { error, cookies }))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}

/** The schema of the route admits exactly one answer. */
function answerOf({ code, token }: MailSignInBody): MailAnswer {
  if (code !== undefined) return { code }
  if (token !== undefined) return { linkToken: token }
  throw httpFailures.refusal('validation_failed')
}
