import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { factorAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { forRecent, OptionalChangeBody } from '../factor-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, FactorNameInput, IdParams } from '../schemas.js'

const renameSchema = {
  tags: ['factors'],
  operationId: 'renameFactor',
  summary: 'Rename a factor',
  security: byToken,
  params: IdParams,
  body: Type.Object({ name: FactorNameInput }, { additionalProperties: false }),
  response: {
    200: Type.Ref('Factor#'),
    ...refusals(...forBody, ...forToken, 'csrf_refused', 'factor_unknown'),
  },
}

const removeSchema = {
  tags: ['factors'],
  operationId: 'removeFactor',
  summary: 'Remove a factor',
  description: 'The recovery codes end with the last factor.',
  security: byToken,
  params: IdParams,
  body: OptionalChangeBody,
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forToken, 'csrf_refused', ...forRecent, 'factor_unknown'),
  },
}

/** PATCH /v1/me/factors/:id · DELETE /v1/me/factors/:id */
export function addChangeFactor(app: App, ownFactors: OwnFactors): void {
  app.patch('/v1/me/factors/:id', { schema: renameSchema }, async (request) => {
    const change = { acting: actingOf(request), origin: originOf(request) }
    return factorAnswer(await ownFactors.rename(request.params.id, request.body.name, change))
  })
  app.delete('/v1/me/factors/:id', { schema: removeSchema }, async (request, reply) => {
    const endOtherSessions = request.body?.end_other_sessions
    const change = { acting: actingOf(request), origin: originOf(request), endOtherSessions }
    await ownFactors.remove(request.params.id, change)
    return reply.code(204).send(null)
  })
}
