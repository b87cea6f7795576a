import type { OwnFactors } from '../../accounts/own-factors.js'
import { deviceName } from '../../device-name.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { factorAnswer, timeAnswer } from '../answers.js'
import { actingOf } from '../caller.js'
import { forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const closed = { additionalProperties: false }
const time = (description: string) => Type.String({ format: 'date-time', description })

const TrustedDevice = Type.Object(
  {
    name: Type.String({ description: 'Identifies the device at this account.' }),
    device: Type.Union([Type.String({ description: 'A short name from the user agent.' }), Type.Null()]),
    created_at: time('The time of the sign-in that has made it trusted.'),
    expires_at: time('The time after which it needs a second factor again.'),
  },
  closed,
)

const schema = {
  tags: ['factors'],
  operationId: 'listFactors',
  summary: 'List your factors, the number of recovery codes and the trusted devices',
  security: byToken,
  response: {
    200: Type.Object(
      {
        factors: Type.Array(Type.Ref('Factor#'), { description: 'Oldest first.' }),
        recovery_codes_left: Type.Integer({ description: 'The number of recovery codes that are not used.' }),
        trusted_devices: Type.Array(TrustedDevice, { description: 'Newest first.' }),
      },
      closed,
    ),
    ...refusals(...forToken),
  },
}

/** GET /v1/me/factors */
export function addListFactors(app: App, ownFactors: OwnFactors): void {
  app.get('/v1/me/factors', { schema }, async (request) => {
    const { factors, recoveryCodes, trustedDevices } = await ownFactors.list(actingOf(request).accountId)
    return {
      factors: factors.map(factorAnswer),
      recovery_codes_left: recoveryCodes,
      trusted_devices: trustedDevices.map(({ name, userAgent, createdAt, expiresAt }) => ({
        name,
        device: deviceName(userAgent),
        created_at: timeAnswer(createdAt),
        expires_at: timeAnswer(expiresAt),
      })),
    }
  })
}
