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
  summary: 'Change the profile of the own account',
  description:
    'A merge patch (RFC 7396): what is given replaces what was, null removes a member, everything else stays. Members that the schema of the operator ' +
    'declares as readOnly are written by administrators alone.',
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
