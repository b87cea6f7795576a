import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const time = (description: string) => Type.String({ format: 'date-time', description })

const schema = {
  tags: ['administration'],
  operationId: 'describeSecrets',
  summary: 'Versions and dates of the secret of an account; never the secret',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Object({
      version: Type.Integer({ description: 'Grows with every change.' }),
      secrets: Type.Array(
        Type.Object({
          kid: Type.String({ description: 'Names it in the header of tokens.' }),
          generation: Type.Integer(),
          algorithm: Type.String(),
          master_key_id: Type.String({ description: 'The master key that it is encrypted under.' }),
          created_at: time('When it was made.'),
          retires_at: Type.Union([time('When it stops verifying; null for the one that signs.'), Type.Null()]),
        }),
      ),
    }),
    ...refusals(...forUrl, ...forAdmin, 'account_unknown'),
  },
}

/** GET /v1/admin/users/:id/secrets */
export function addDescribeSecrets(app: App, administration: Administration): void {
  app.get('/v1/admin/users/:id/secrets', { schema }, async (request) => {
    const { version, secrets } = await administration.describeSecrets(request.params.id)
    return {
      version,
      secrets: secrets.map((secret) => ({
        kid: secret.kid,
        generation: secret.generation,
        algorithm: secret.algorithm,
        master_key_id: secret.masterKeyId,
        created_at: timeAnswer(secret.createdAt),
        retires_at: secret.retiresAt === null ? null : timeAnswer(secret.retiresAt),
      })),
    }
  })
}
