import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf } from '../caller.js'
import { forRecent } from '../factor-schemas.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['factors'],
  operationId: 'beginTotp',
  summary: 'Begin to add an authenticator app (TOTP, RFC 6238)',
  description:
    'The app shows a code of six digits for the secret. It counts as a factor once POST ' +
    '/v1/me/factors/totp/confirm has received that code from this session, within ten minutes.',
  security: byToken,
  response: {
    201: Type.Object(
      {
        id: Type.String({ format: 'uuid', description: 'The ID of the factor.' }),
        secret: Type.String({ description: 'In Base32, for apps without a camera. Only this answer has it.' }),
        uri: Type.String({ description: 'The "otpauth:" URI with the secret.' }),
        qr_svg: Type.String({ description: 'The URI as a QR code: a document of SVG.' }),
      },
      { additionalProperties: false },
    ),
    ...refusals(...forBody, ...forToken, 'csrf_refused', ...forRecent, 'factor_exists', 'factor_limit'),
  },
}

/** POST /v1/me/factors/totp */
export function addBeginTotp(app: App, ownFactors: OwnFactors): void {
  app.post('/v1/me/factors/totp', { schema }, async (request, reply) => {
    const { id, secret, uri, qrSvg } = await ownFactors.beginTotp(actingOf(request))
    return reply.code(201).send({ id, secret, uri, qr_svg: qrSvg })
  })
}
