import { Type } from 'typebox'
import type { App } from '../http/app.js'
import { signedInAnswer } from './answers.js'
import { forBody, forToken, refusals } from './refusals.js'
import { actingOf, originOf, type RouteContext } from './route-context.js'
import { PasswordInput } from './schemas.js'

const schema = {
  tags: ['own account'],
  summary: 'Set a new password',
  description: 'Every token issued so far dies and every other session ends; the answer holds new tokens for this one.',
  security: [{ bearer: [] }],
  body: Type.Object({ current_password: PasswordInput, new_password: PasswordInput }, { additionalProperties: false }),
  response: {
    200: Type.Ref('SignedIn#'),
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'password_wrong',
      'guess_delayed',
      'password_too_short',
      'password_too_long',
      'password_common',
    ),
  },
}

/** POST /v1/me/password */
export function addChangePassword(app: App, { accounts, signedIn }: RouteContext): void {
  app.post('/v1/me/password', { schema, onRequest: signedIn }, async (request) => {
    const { current_password: currentPassword, new_password: newPassword } = request.body
    const passwords = { currentPassword, newPassword }
    return signedInAnswer(await accounts.changePassword(actingOf(request), passwords, originOf(request)))
  })
}
