import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { factorAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { endOtherSessionsField, forRecent } from '../factor-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, CodeInput, RecoveryCodes } from '../schemas.js'

const schema = {
  tags: ['factors'],
  operationId: 'confirmTotp',
  summary: 'Confirm the authenticator app that this session has begun to add',
  description:
    'From now on, a sign-in with the password also needs a second factor. The answer to the first ' +
    'factor of an account contains ten recovery codes.',
  security: byToken,
  body: Type.Object({ code: CodeInput, ...endOtherSessionsField }, { additionalProperties: false }),
  response: {
    200: Type.Object(
      { factor: Type.Ref('Factor#'), recovery_codes: Type.Optional(RecoveryCodes) },
      { additionalProperties: false },
    ),
    ...refusals(
      ...forBody,
      ...forToken,
      'csrf_refused',
      ...forRecent,
      'challenge_invalid',
      'second_factor_wrong',
      'factor_exists',
      'factor_limit',
    ),
  },
}

/** POST /v1/me/factors/totp/confirm */
export function addConfirmTotp(app: App, ownFactors: OwnFactors): void {
  app.post('/v1/me/factors/totp/confirm', { schema }, async (request) => {
    const { code, end_other_sessions: endOtherSessions } = request.body
    const change = { acting: actingOf(request), origin: originOf(request), endOtherSessions }
    const { factor, recoveryCodes } = await ownFactors.confirmTotp(code, change)
    const codes = recoveryCodes === undefined ? {} : { recovery_codes: [...recoveryCodes] }
    return { factor: factorAnswer(factor), ...codes }
  })
}
