import type { OwnAccount } from '../../accounts/own-account.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, PasswordInput } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'addDevice',
  summary: 'Create a device token for another device',
  description:
    'While an account is under a password guessing attack, logins from unknown devices are ' +
    'delayed. A device that signs in with this token counts as known. The token grants ' +
    'nothing without the password.',
  security: byToken,
  body: Type.Object({ password: PasswordInput }, { additionalProperties: false }),
  response: {
    201: Type.Object({
      device_token: Type.String({ description: 'For the header "Latchkey-Device" of the login on the other device.' }),
      expires_in: Type.Integer({ description: 'Seconds within which the other device must sign in.' }),
    }),
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'csrf_refused',
      'recent_authentication_required',
      'password_wrong',
      'guess_delayed',
    ),
  },
}

/** POST /v1/me/devices */
export function addAddDevice(app: App, ownAccount: OwnAccount): void {
  app.post('/v1/me/devices', { schema }, async (request, reply) => {
    const { token, expiresInSec } = await ownAccount.addDevice(
      actingOf(request),
      request.body.password,
      originOf(request),
    )
    return reply.code(201).send({ device_token: token, expires_in: expiresInSec })
  })
}
