import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams, ProfilePatch } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'changeProfile',
  summary: 'Change the profile of an account',
  description:
    'A merge patch (RFC 7396): a given member replaces the old one, null removes a member, ' +
    'all others stay. Access tokens that carry profile members as claims have the new values ' +
    'after their next refresh.',
  security: byToken,
  params: IdParams,
  body: ProfilePatch,
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'account_unknown', 'profile_invalid', 'profile_too_large'),
  },
}

/** PATCH /v1/admin/users/:id/profile */
export function addChangeProfile(app: App, administration: Administration): void {
  const options = { schema }
  app.patch('/v1/admin/users/:id/profile', options, async (request) =>
    managedAccountAnswer(await administration.changeProfile(administratorOf(request), request.params.id, request.body)),
  )
}
