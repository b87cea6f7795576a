import type { OwnPasskeys } from '../../accounts/own-passkeys.js'
import type { App } from '../../http/app.js'
import { actingOf } from '../caller.js'
import { forRecent } from '../factor-schemas.js'
import { BegunRegistration } from '../passkey-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'
import { begunAnswer } from './begun-answer.js'

const schema = {
  tags: ['passkeys'],
  operationId: 'beginPasskey',
  summary: 'Get a challenge for a new passkey',
  description: 'Only the session that asks for the challenge can answer it, once, within five minutes.',
  security: byToken,
  response: {
    200: BegunRegistration,
    ...refusals(...forBody, ...forToken, 'csrf_refused', ...forRecent),
  },
}

/** POST /v1/me/passkeys/options */
export function addBeginPasskey(app: App, ownPasskeys: OwnPasskeys): void {
  app.post('/v1/me/passkeys/options', { schema }, async (request) =>
    begunAnswer(await ownPasskeys.begin(actingOf(request))),
  )
}
