import type { AccountProvisioning } from '../../admin/account-provisioning.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, forNewPassword, refusals } from '../refusals.js'
import { byToken, EmailInput, NameInput, PasswordInput } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'createUser',
  summary: 'Create an account',
  description:
    'Works with every setting of LATCHKEY_REGISTRATION. No e-mail is sent. An account ' +
    'without a password cannot sign in until a password is set with a reset link, mailed or ' +
    'handed out.',
  security: byToken,
  body: Type.Object(
    {
      email: EmailInput,
      name: Type.Optional(NameInput),
      password: Type.Optional(PasswordInput),
      email_verified: Type.Optional(
        Type.Boolean({
          description: 'Whether the owner is known to receive mail at the address. Default: false.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    201: Type.Ref('ManagedAccount#'),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'overloaded',
      'email_invalid',
      'email_taken',
      ...forNewPassword,
    ),
  },
}

/** POST /v1/admin/users */
export function addCreateUser(app: App, provisioning: AccountProvisioning): void {
  app.post('/v1/admin/users', { schema }, async (request, reply) => {
    const { email_verified: emailVerified = false, ...input } = request.body
    const account = await provisioning.create(administratorOf(request), { ...input, emailVerified })
    return reply.code(201).send(managedAccountAnswer(account))
  })
}
