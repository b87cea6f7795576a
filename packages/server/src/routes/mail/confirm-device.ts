import type { DeviceConfirmation } from '../../accounts/device-confirmation.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { forBody, refusals } from '../refusals.js'
import { OneTimeTokenInput, SignInHeaders } from '../schemas.js'

const schema = {
  operationId: 'confirmDevice',
  tags: ['mailed links'],
  summary: 'Confirm a device with the link that its login caused',
  description:
    'After 100 wrong passwords in a row, a device that has never signed in to the account ' +
    'gets `device_confirmation_required`, whether or not the account exists. The owner of an ' +
    'existing account then gets a link by mail. The link works only on the device that tried ' +
    'to sign in: send its device token along, then sign in again.',
  headers: SignInHeaders,
  body: Type.Object({ token: OneTimeTokenInput }, { additionalProperties: false }),
  response: {
    204: Type.Null({ description: 'Done: sign in again.' }),
    ...refusals(...forBody, 'link_invalid', 'device_mismatch', 'account_disabled'),
  },
}

/** POST /v1/login/confirm */
export function addConfirmDevice(app: App, confirmations: DeviceConfirmation): void {
  app.post('/v1/login/confirm', { schema }, async (request, reply) => {
    await confirmations.confirm(request.body.token, originOf(request), deviceOf(request))
    return reply.code(204).send(null)
  })
}
