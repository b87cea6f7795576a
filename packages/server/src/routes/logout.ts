import { Type } from 'typebox'
import type { App } from '../http/app.js'
import { forBody, forToken, refusals } from './refusals.js'
import { actingOf, originOf, type RouteContext } from './route-context.js'

const schema = {
  tags: ['sign in'],
  summary: 'End this session',
  security: [{ bearer: [] }],
  response: { 204: Type.Null({ description: 'Done.' }), ...refusals(...forBody, ...forToken) },
}

/** POST /v1/logout */
export function addLogout(app: App, { accounts, signedIn }: RouteContext): void {
  app.post('/v1/logout', { schema, onRequest: signedIn }, async (request, reply) => {
    await accounts.logout(actingOf(request), originOf(request))
    return reply.code(204).send(null)
  })
}
