import type { ResetLinks } from '../../admin/reset-links.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'createResetLink',
  summary: 'Make a link with which a new password can be set, to hand out',
  description:
    'For POST /v1/password/reset. It works once, ends the earlier ones of the account, and is in this answer and nowhere else. The owner is informed ' +
    'by mail if the address is verified. It ends when the administrator who made it is disabled or demoted. Refused for administrators.',
  security: byToken,
  params: IdParams,
  response: {
    201: Type.Object(
      {
        url: Type.String({ description: 'Shown this once; the server keeps a hash of its token.' }),
        expires_at: Type.String({ format: 'date-time' }),
      },
      { additionalProperties: false },
    ),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'account_unknown',
      'account_disabled',
      'administrator_protected',
    ),
  },
}

/** POST /v1/admin/users/:id/reset-link */
export function addCreateResetLink(app: App, resetLinks: ResetLinks): void {
  const options = { schema }
  app.post('/v1/admin/users/:id/reset-link', options, async (request, reply) => {
    const { url, expiresAt } = await resetLinks.create(administratorOf(request), request.params.id)
    return reply.code(201).send({ url, expires_at: timeAnswer(expiresAt) })
  })
}
