import type { PasswordRequirements } from '../../admin/password-requirements.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'requireNewPassword',
  summary: 'Delete the password of an account, end its sessions, and mail its owner a reset link',
  description:
    'The old password opens no session from then on, and every token ends. Passkeys still sign in. Refused where ' +
    'no letter can reach the owner: create a reset link there.',
  security: byToken,
  params: IdParams,
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'account_unknown',
      'own_account',
      'account_disabled',
      'email_unverified',
      'mail_unavailable',
    ),
  },
}

/** POST /v1/admin/users/:id/require-new-password */
export function addRequireNewPassword(app: App, passwordRequirements: PasswordRequirements): void {
  app.post('/v1/admin/users/:id/require-new-password', { schema }, async (request) =>
    managedAccountAnswer(await passwordRequirements.require(administratorOf(request), request.params.id)),
  )
}
