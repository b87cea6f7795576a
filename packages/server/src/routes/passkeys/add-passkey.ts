import type { OwnPasskeys } from '../../accounts/own-passkeys.js'
import type { Factor } from '../../factors/factor-table.js'
import { passkeyDataOf } from '../../factors/passkey-data.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { endOtherSessionsField, forRecent } from '../factor-schemas.js'
import { ChallengeTokenInput, NewPasskeyInput, Passkey } from '../passkey-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, RecoveryCodes } from '../schemas.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'addPasskey',
  summary: 'Add a passkey to the account',
  description: 'The answer to the first factor of an account contains ten recovery codes.',
  security: byToken,
  body: Type.Object(
    {
      challenge_token: ChallengeTokenInput,
      passkey: NewPasskeyInput,
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, examples: ['Phone'] })),
      ...endOtherSessionsField,
    },
    { additionalProperties: false },
  ),
  response: {
    201: Type.Object({ ...Passkey.properties, recovery_codes: Type.Optional(RecoveryCodes) }),
    ...refusals(
      ...forBody,
      ...forToken,
      'csrf_refused',
      ...forRecent,
      'challenge_invalid',
      'passkey_refused',
      'passkey_taken',
      'factor_limit',
    ),
  },
}

/** POST /v1/me/passkeys */
export function addAddPasskey(app: App, ownPasskeys: OwnPasskeys): void {
  app.post('/v1/me/passkeys', { schema }, async (request, reply) => {
    const { challenge_token: challengeToken, passkey, name, end_other_sessions: endOtherSessions } = request.body
    const change = { acting: actingOf(request), origin: originOf(request), endOtherSessions }
    const { factor, recoveryCodes } = await ownPasskeys.add({ challengeToken, passkey, name }, change)
    const codes = recoveryCodes === undefined ? {} : { recovery_codes: [...recoveryCodes] }
    return reply.code(201).send({ ...passkeyAnswer(factor), ...codes })
  })
}

function passkeyAnswer(factor: Factor) {
  const { deviceType, backedUp } = passkeyDataOf(factor)
  const { id, name, createdAt } = factor
  return { id, name, created_at: timeAnswer(createdAt), device_bound: deviceType === 'single', backed_up: backedUp }
}
