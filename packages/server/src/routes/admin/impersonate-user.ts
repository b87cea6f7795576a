import type { Impersonations } from '../../admin/impersonations.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const defaultMinutes = 15

const schema = {
  tags: ['administration'],
  operationId: 'impersonateUser',
  summary: 'Create a link that opens a session of a user, in which you act (break-glass)',
  description:
    'The link works once, within two minutes: open it in a private window. The session can change ' +
    'nothing of the account, ends after "minutes", and ends earlier with your own session or your ' +
    'right. Its tokens name you ("act", RFC 8693 §4.1). Reason, begin and end are in the audit ' +
    'log. With LATCHKEY_IMPERSONATION=notify, the owner is informed by mail.',
  security: byToken,
  params: IdParams,
  body: Type.Object(
    {
      reason: Type.String({ minLength: 10, maxLength: 500, description: 'For the audit log.' }),
      minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 60, description: `${defaultMinutes} by default.` })),
    },
    { additionalProperties: false },
  ),
  response: {
    201: Type.Object(
      {
        url: Type.String({ description: 'Shown only once: the server stores a hash of its token.' }),
        expires_at: Type.String({ format: 'date-time', description: 'When the link stops working.' }),
      },
      { additionalProperties: false },
    ),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'impersonation_off',
      'impersonation_refused',
      'account_unknown',
      'account_disabled',
    ),
  },
}

/** POST /v1/admin/users/:id/impersonate */
export function addImpersonateUser(app: App, impersonations: Impersonations): void {
  app.post('/v1/admin/users/:id/impersonate', { schema }, async (request, reply) => {
    const { reason, minutes = defaultMinutes } = request.body
    const order = { reason, minutes }
    const { url, expiresAt } = await impersonations.create(administratorOf(request), request.params.id, order)
    return reply.code(201).send({ url, expires_at: timeAnswer(expiresAt) })
  })
}
