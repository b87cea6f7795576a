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
  summary: 'List the versions and dates of the secret of an account, without the secret',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Object({
      version: Type.Integer({ description: 'Increases with every change.' }),
      secrets: Type.Array(
        Type.Object({
          kid: Type.String({ description: 'The key ID in the header of tokens.' }),
          generation: Type.Integer(),
          algorithm: Type.String(),
          master_key_id: Type.String({ description: 'The master key that encrypts the secret.' }),
          created_at: time('The time of its creation.'),
          retires_at: Type.Union([
            time('The time after which it verifies no more; null for the signing secret.'),
            Type.Null(),
          ]),
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
