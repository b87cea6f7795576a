import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const shared = { tags: ['factors'], security: byToken } as const

const oneSchema = {
  ...shared,
  operationId: 'endTrustedDevice',
  summary: 'Require a second factor again on one trusted device',
  params: Type.Object({ name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }) }),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(...forBody, ...forToken, 'csrf_refused', 'trusted_device_unknown'),
  },
}

const allSchema = {
  ...shared,
  operationId: 'endTrustedDevices',
  summary: 'Require a second factor again on all trusted devices',
  response: { 204: Type.Null({ description: 'Done.' }), ...refusals(...forBody, ...forToken, 'csrf_refused') },
}

/** DELETE /v1/me/trusted-devices/:name · DELETE /v1/me/trusted-devices */
export function addEndTrustedDevices(app: App, ownFactors: OwnFactors): void {
  app.delete('/v1/me/trusted-devices/:name', { schema: oneSchema }, async (request, reply) => {
    await ownFactors.endTrust(actingOf(request), request.params.name, originOf(request))
    return reply.code(204).send(null)
  })
  app.delete('/v1/me/trusted-devices', { schema: allSchema }, async (request, reply) => {
    await ownFactors.endAllTrust(actingOf(request), originOf(request))
    return reply.code(204).send(null)
  })
}
