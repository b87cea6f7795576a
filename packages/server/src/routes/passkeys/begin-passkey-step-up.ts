import type { OwnPasskeys } from '../../accounts/own-passkeys.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf } from '../caller.js'
import { BegunAssertion } from '../passkey-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'
import { begunAnswer } from './begun-answer.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'beginPasskeyStepUp',
  summary: 'Get a challenge to authenticate again with a passkey',
  description: 'Only this session can use the answer of the passkey, once, within five minutes.',
  security: byToken,
  body: Type.Unsafe<object | null>({ type: ['object', 'null'], additionalProperties: false }),
  response: { 200: BegunAssertion, ...refusals(...forBody, ...forToken, 'csrf_refused') },
}

/** POST /v1/me/step-up/options */
export function addBeginPasskeyStepUp(app: App, ownPasskeys: OwnPasskeys): void {
  app.post('/v1/me/step-up/options', { schema }, async (request) =>
    begunAnswer(await ownPasskeys.beginStepUp(actingOf(request))),
  )
}
