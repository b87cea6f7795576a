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
  summary: 'Create a password reset link to hand out',
  description:
    'For POST /v1/password/reset. The link works once and invalidates the earlier links of ' +
    'the account. Only this answer contains it. If the address is verified, the owner is ' +
    'notified by mail. The link becomes invalid when the administrator who created it is ' +
    'disabled or demoted. Refused for the accounts of administrators.',
  security: byToken,
  params: IdParams,
  response: {
    201: Type.Object(
      {
        url: Type.String({ description: 'Shown only once: the server stores a hash of its token.' }),
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
