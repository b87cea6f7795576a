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
  summary: 'Find out what an access token says, and whether and why it is refused here',
  description:
    'The signature is in no part of the answer. A token that somebody else has signed ends the secret, as anywhere else.',
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
            tenant: Type.String({ description: 'The account or client that it belongs to.' }),
            disabled: Type.Boolean(),
            generation: Type.Integer(),
            created_at: time('When it was made.'),
            retires_at: Type.Union([time('When it stops verifying; null for the one that signs.'), Type.Null()]),
            reissue_required: Type.Boolean(),
          }),
          Type.Null(),
        ],
        { description: 'The stored secret that the kid names; null when it has ended, or never was.' },
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
