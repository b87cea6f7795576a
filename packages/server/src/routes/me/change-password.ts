import type { PasswordChange } from '../../accounts/password-change.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import { deliverTokens } from '../deliver-tokens.js'
import { forBody, forNewPassword, forToken, refusals } from '../refusals.js'
import { byToken, EitherSignedIn, ModeHeader, PasswordInput } from '../schemas.js'
import type { SessionCookies } from '../session-cookies.js'

const schema = {
  tags: ['own account'],
  operationId: 'changePassword',
  summary: 'Change the password',
  description:
    'Revokes every token issued so far and ends every other session. The answer contains new ' +
    'tokens for this session.',
  security: byToken,
  headers: ModeHeader,
  body: Type.Object({ current_password: PasswordInput, new_password: PasswordInput }, { additionalProperties: false }),
  response: {
    200: EitherSignedIn,
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'csrf_refused',
      'recent_authentication_required',
      'password_wrong',
      'guess_delayed',
      ...forNewPassword,
    ),
  },
}

/** POST /v1/me/password */
export function addChangePassword(app: App, passwordChange: PasswordChange, cookies: SessionCookies): void {
  app.post('/v1/me/password', { schema }, async (request, reply) => {
    const { current_password: currentPassword, new_password: newPassword } = request.body
    const passwords = { currentPassword, newPassword }
    const signedIn = await passwordChange.change(actingOf(request), passwords, originOf(request))
    return deliverTokens(request, reply, { signedIn, cookies })
  })
}
