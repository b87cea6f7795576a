import type { Profiles } from '../../accounts/profiles.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { accountAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, ProfilePatch } from '../schemas.js'

const schema = {
  tags: ['own account'],
  operationId: 'updateMyProfile',
  summary: 'Change your profile',
  description:
    'A merge patch (RFC 7396): a given member replaces the old one, null removes a member, ' +
    'all others stay. Only administrators may change members that are readOnly in the schema ' +
    'of the operator.',
  security: byToken,
  body: ProfilePatch,
  response: {
    200: Type.Ref('Account#'),
    ...refusals(...forBody, ...forToken, 'csrf_refused', 'profile_invalid', 'profile_too_large', 'profile_protected'),
  },
}

/** PATCH /v1/me/profile */
export function addUpdateMyProfile(app: App, profiles: Profiles): void {
  app.patch('/v1/me/profile', { schema }, async (request) =>
    accountAnswer(await profiles.change(actingOf(request), request.body, originOf(request))),
  )
}
