import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { tryCanonicalEmail } from '../accounts/email-address.js'
import type { App } from '../http/app.js'
import { signedInAnswer } from './answers.js'
import { forBody, refusals } from './refusals.js'
import { deviceOf, originOf, type RouteContext } from './route-context.js'
import { DeviceHeader, EmailInput, PasswordInput } from './schemas.js'

const schema = {
  tags: ['sign in'],
  summary: 'Sign in',
  headers: DeviceHeader,
  body: Type.Object({ email: EmailInput, password: PasswordInput }, { additionalProperties: false }),
  response: {
    200: Type.Ref('SignedIn#'),
    ...refusals(...forBody, 'overloaded', 'invalid_credentials', 'account_disabled', 'guess_delayed'),
  },
}

/** POST /v1/login */
export function addLogin(app: App, { accounts }: RouteContext): void {
  app.post('/v1/login', { schema, config: { limit: 'login', named } }, async (request) =>
    signedInAnswer(await accounts.login(request.body, originOf(request), deviceOf(request))),
  )
}

function named({ body }: FastifyRequest): string {
  return tryCanonicalEmail((body as Static<typeof schema.body>).email)
}
