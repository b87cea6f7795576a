import type { Impersonations } from '../../admin/impersonations.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { forBody, refusals } from '../refusals.js'
import { EitherSignedIn, ModeHeader, OneTimeTokenInput } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['sign in'],
  operationId: 'openImpersonation',
  summary: 'Open a session of a user with the link of an administrator',
  description: 'For the token after "#token=" in the "url" of POST /v1/admin/users/{id}/impersonate.',
  headers: ModeHeader,
  body: Type.Object({ token: OneTimeTokenInput }, { additionalProperties: false }),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'csrf_refused',
      'impersonation_off',
      'impersonation_refused',
      'link_invalid',
      'account_unknown',
      'account_disabled',
      'session_ended',
    ),
  },
}

/** POST /v1/login/impersonation */
export function addOpenImpersonation(app: App, impersonations: Impersonations, cookies: SessionCookies): void {
  app.post('/v1/login/impersonation', { schema, config: { limit: 'recovery' } }, async (request, reply) => {
    const signedIn = await impersonations.open(request.body.token, originOf(request))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}
