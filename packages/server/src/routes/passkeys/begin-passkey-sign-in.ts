import type { PasskeySignIn } from '../../accounts/passkey-sign-in.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { BegunAssertion } from '../passkey-schemas.js'
import { forBody, refusals } from '../refusals.js'
import { ModeHeader } from '../schemas.js'
import { begunAnswer } from './begun-answer.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'beginPasskeySignIn',
  summary: 'Get a challenge for a sign-in by passkey',
  description:
    'The challenge names no account: the passkey does. It can be answered once, within five minutes. ' +
    'A page may ask for one before its user does anything, so that the browser offers passkeys in the ' +
    'field of the e-mail address (conditional mediation).',
  headers: ModeHeader,
  body: Type.Unsafe<object | null>({ type: ['object', 'null'], additionalProperties: false }),
  response: { 200: BegunAssertion, ...refusals(...forBody, 'csrf_refused') },
}

/** POST /v1/passkeys/options */
export function addBeginPasskeySignIn(app: App, passkeySignIn: PasskeySignIn): void {
  app.post('/v1/passkeys/options', { schema }, async () => begunAnswer(await passkeySignIn.begin()))
}
