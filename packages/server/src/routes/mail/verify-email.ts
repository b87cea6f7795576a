import type { FastifyRequest, onRequestHookHandler, preHandlerHookHandler } from 'fastify'
import type { EmailVerification } from '../../accounts/email-verification.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { actingOf, originOf } from '../caller.js'
import type { Guards } from '../guards/guards.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, OneTimeTokenInput, PasswordInput } from '../schemas.js'
import { accessCookie, cookiesOf } from '../session-cookies.js'

const schema = {
  operationId: 'verifyEmail',
  tags: ['mailed links'],
  summary: 'Verify an e-mail address with the mailed link',
  description:
    'Verifies the address of the account, or replaces it by the new one. The link alone is ' +
    'not enough, because someone else may have registered the address of its reader. Send the ' +
    'access token of the account along, or its "password". Without either, or with the token ' +
    'of another account, the answer is `password_required` and the link stays valid.',
  security: [...byToken, {}],
  body: Type.Object(
    { token: OneTimeTokenInput, password: Type.Optional(PasswordInput) },
    { additionalProperties: false },
  ),
  response: {
    204: Type.Null({ description: 'Done.' }),
    ...refusals(
      ...forBody,
      ...forToken,
      'csrf_refused',
      'overloaded',
      'link_invalid',
      'password_required',
      'password_wrong',
      'guess_delayed',
      'account_disabled',
      'email_taken',
    ),
  },
}

/** POST /v1/email/verify */
export function addVerifyEmail(app: App, emails: EmailVerification, guards: Guards): void {
  const preHandler = guards.account.map(unlessPasswordSent)
  app.post('/v1/email/verify', { schema, preHandler }, async (request, reply) => {
    const { token, password } = request.body
    const acting = isBySession(request) ? actingOf(request) : undefined
    await emails.verify({ token, password, acting }, originOf(request))
    return reply.code(204).send(null)
  })
}

/**
 * Skips the guard for requests with a password: an expired session, or one of another account, must
 * not refuse them.
 */
function unlessPasswordSent(guard: onRequestHookHandler): preHandlerHookHandler {
  return function (request, reply, done) {
    if (isBySession(request)) guard.call(this, request, reply, done)
    else done()
  }
}

function isBySession(request: FastifyRequest): boolean {
  if ((request.body as { readonly password?: string }).password !== undefined) return false
  return request.headers.authorization !== undefined || cookiesOf(request, accessCookie).length > 0
}
