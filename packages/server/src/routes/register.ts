import { Type } from 'typebox'
import type { App } from '../http/app.js'
import { signedInAnswer } from './answers.js'
import { forBody, refusals } from './refusals.js'
import { deviceOf, originOf, type RouteContext } from './route-context.js'
import { DeviceHeader, EmailInput, NameInput, PasswordInput } from './schemas.js'

const schema = {
  tags: ['sign in'],
  summary: 'Make an account and sign in',
  headers: DeviceHeader,
  body: Type.Object(
    { email: EmailInput, password: PasswordInput, name: Type.Optional(NameInput) },
    { additionalProperties: false },
  ),
  response: {
    201: Type.Ref('SignedIn#'),
    ...refusals(
      ...forBody,
      'overloaded',
      'email_invalid',
      'password_too_short',
      'password_too_long',
      'password_common',
      'email_taken',
    ),
  },
}

/** POST /v1/register */
export function addRegister(app: App, { accounts }: RouteContext): void {
  app.post('/v1/register', { schema, config: { limit: 'register' } }, async (request, reply) => {
    const signedIn = await accounts.register(request.body, originOf(request), deviceOf(request))
    return reply.code(201).send(signedInAnswer(signedIn))
  })
}
