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
  operationId: 'logoutAll',
  summary: 'End every session and revoke every token of this account',
  security: byToken,
  response: { 204: Type.Null({ description: 'Done.' }), ...refusals(...forBody, ...forToken, 'csrf_refused') },
}

/** POST /v1/logout-all */
export function addLogoutAll(app: App, signOut: SignOut, cookies: SessionCookies): void {
  app.post('/v1/logout-all', { schema }, async (request, reply) => {
    await signOut.logoutAll(actingOf(request), originOf(request))
    if (usesCookieMode(request)) cookies.clear(reply)
    return reply.code(204).send(null)
  })
}
