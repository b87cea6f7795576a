import type { SignOut } from '../../accounts/sign-out.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'
import { usesCookieMode } from '../session-cookies.js'

const schema = {
  tags: ['sign in'],
  operationId: 'logout',
  summary: 'End this session',
  security: byToken,
  response: { 204: Type.Null({ description: 'Done.' }), ...refusals(...forBody, ...forToken, 'csrf_refused') },
}

/** POST /v1/logout */
export function addLogout(app: App, signOut: SignOut, cookies: SessionCookies): void {
  app.post('/v1/logout', { schema, config: { impersonation: 'allow' } }, async (request, reply) => {
    await signOut.logout(actingOf(request), originOf(request))
    if (usesCookieMode(request)) cookies.clear(reply)
    return reply.code(204).send(null)
  })
}
