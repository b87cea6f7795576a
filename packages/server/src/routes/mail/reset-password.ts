import type { Recovery } from '../../accounts/recovery.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { deviceOf, originOf } from '../caller.js'
import { forBody, forNewPassword, refusals } from '../refusals.js'
import { OneTimeTokenInput, PasswordInput, SignInHeaders } from '../schemas.js'

const schema = {
  operationId: 'resetPassword',
  tags: ['mailed links'],
  summary: 'Set a new password with a reset link, and end all sessions and tokens of the account',
  headers: SignInHeaders,
  body: Type.Object({ token: OneTimeTokenInput, new_password: PasswordInput }, { additionalProperties: false }),
  response: {
    204: Type.Null({ description: 'Done: sign in with the new password.' }),
    ...refusals(...forBody, 'overloaded', 'link_invalid', 'account_disabled', ...forNewPassword),
  },
}

/** POST /v1/password/reset */
export function addResetPassword(app: App, recovery: Recovery): void {
  app.post('/v1/password/reset', { schema }, async (request, reply) => {
    const { token, new_password: password } = request.body
    await recovery.reset({ token, password }, originOf(request), deviceOf(request))
    return reply.code(204).send(null)
  })
}
