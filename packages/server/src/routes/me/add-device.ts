import type { Accounts } from '../../accounts/accounts.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, PasswordInput } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'addDevice',
  summary: 'Let another device sign in without waiting for strangers',
  description:
    'A device that has never signed in may have to wait while somebody guesses at the account. With this token, which one carries over to it, ' +
    'it is no stranger. The token opens nothing without the password.',
  security: byToken,
  body: Type.Object({ password: PasswordInput }, { additionalProperties: false }),
  response: {
    201: Type.Object({
      device_token: Type.String({ description: 'For the header "Latchkey-Device" of the login on the other device.' }),
      expires_in: Type.Integer({ description: 'Seconds within which it must sign in there.' }),
    }),
    ...refusals(...forBody, 'overloaded', ...forToken, 'csrf_refused', 'password_wrong', 'guess_delayed'),
  },
}

/** POST /v1/me/devices */
export function addAddDevice(app: App, accounts: Accounts): void {
  app.post('/v1/me/devices', { schema }, async (request, reply) => {
    const { token, expiresInSec } = await accounts.addDevice(
      actingOf(request),
      request.body.password,
      originOf(request),
    )
    return reply.code(201).send({ device_token: token, expires_in: expiresInSec })
  })
}
