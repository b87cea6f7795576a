import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forRecent, OptionalChangeBody } from '../factor-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, RecoveryCodes } from '../schemas.js'

const schema = {
  tags: ['factors'],
  operationId: 'createRecoveryCodes',
  summary: 'Replace the recovery codes of the account by ten new ones',
  security: byToken,
  body: OptionalChangeBody,
  response: {
    201: Type.Object({ recovery_codes: RecoveryCodes }, { additionalProperties: false }),
    ...refusals(...forBody, ...forToken, 'csrf_refused', ...forRecent, 'factor_missing'),
  },
}

/** POST /v1/me/recovery-codes */
export function addCreateRecoveryCodes(app: App, ownFactors: OwnFactors): void {
  app.post('/v1/me/recovery-codes', { schema }, async (request, reply) => {
    const endOtherSessions = request.body?.end_other_sessions
    const change = { acting: actingOf(request), origin: originOf(request), endOtherSessions }
    return reply.code(201).send({ recovery_codes: [...(await ownFactors.replaceRecoveryCodes(change))] })
  })
}
