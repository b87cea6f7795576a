import type { Latchkey } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import { inspectToken } from '../../admin/inspect-token.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const Members = Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()])
const time = (description: string) => Type.String({ format: 'date-time', description })

const schema = {
  tags: ['administration'],
  operationId: 'inspectToken',
  summary: 'Decode an access token and report whether and why this server refuses it',
  description:
    'No part of the answer contains the signature. A forged token with a valid signature ' +
    'revokes the secret, as it does everywhere else.',
  security: byToken,
  body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 16_384 }) }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      accepted: Type.Boolean(),
      refusal: Type.Union([
        Type.Object({ code: Type.String(), message: Type.String(), hint: Type.String() }),
        Type.Null(),
      ]),
      grants: Members,
      header: Members,
      claims: Members,
      secret: Type.Union(
        [
          Type.Object({
            tenant: Type.String({ description: 'The account or the client that owns the secret.' }),
            disabled: Type.Boolean(),
            generation: Type.Integer(),
            created_at: time('The time of its creation.'),
            retires_at: Type.Union([
              time('The time after which it verifies no more; null for the signing secret.'),
              Type.Null(),
            ]),
            reissue_required: Type.Boolean(),
          }),
          Type.Null(),
        ],
        { description: 'The stored secret of the key ID; null if it was removed or never existed.' },
      ),
    }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused'),
  },
}

/** POST /v1/admin/inspect */
export function addInspect(app: App, latchkey: Latchkey, store: SqlStore): void {
  app.post('/v1/admin/inspect', { schema }, async (request) => {
    const { secret, ...found } = await inspectToken({ latchkey, store }, request.body.token)
    if (secret === null) return { ...found, secret }
    const { tenant, isDisabled, generation, createdAt, retiresAt, reissueRequired } = secret
    const times = {
      created_at: timeAnswer(createdAt),
      retires_at: retiresAt === null ? null : timeAnswer(retiresAt),
    }
    return {
      ...found,
      secret: { tenant, disabled: isDisabled, generation, ...times, reissue_required: reissueRequired },
    }
  })
}
