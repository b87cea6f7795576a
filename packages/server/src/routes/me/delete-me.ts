import type { OwnAccount } from '../../accounts/own-account.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, PasswordInput } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'
import { usesCookieMode } from '../session-cookies.js'

const schema = {
  tags: ['own account'],
  operationId: 'deleteMe',
  summary: 'Delete your account, its sessions and its secret',
  security: byToken,
  body: Type.Object({ password: PasswordInput }, { additionalProperties: false }),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'csrf_refused',
      'recent_authentication_required',
      'password_wrong',
      'guess_delayed',
      'last_administrator',
    ),
  },
}

/** DELETE /v1/me */
export function addDeleteMe(app: App, ownAccount: OwnAccount, cookies: SessionCookies): void {
  app.delete('/v1/me', { schema }, async (request, reply) => {
    await ownAccount.delete(actingOf(request), request.body.password, originOf(request))
    if (usesCookieMode(request)) cookies.clear(reply)
    return reply.code(204).send(null)
  })
}
