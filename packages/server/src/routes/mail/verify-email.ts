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
  summary: 'Use the link that was mailed to an address: it is verified, or becomes the address of the account',
  description:
    'The link alone does not suffice: the account may be that of a stranger who has registered the address of its reader. Send the access token of the account along, ' +
    'or its "password"; without either, or with the token of another account, the answer is `password_required` and the link can still be used.',
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
  const preHandler = guards.account.map(wherePasswordIsMissing)
  app.post('/v1/email/verify', { schema, preHandler }, async (request, reply) => {
    const { token, password } = request.body
    const acting = isBySession(request) ? actingOf(request) : undefined
    await emails.verify({ token, password, acting }, originOf(request))
    return reply.code(204).send(null)
  })
}

/** A password stands by itself: a session that has expired, or is that of another account, is not in its way. */
function wherePasswordIsMissing(guard: onRequestHookHandler): preHandlerHookHandler {
  return function (request, reply, done) {
    if (isBySession(request)) guard.call(this, request, reply, done)
    else done()
  }
}

function isBySession(request: FastifyRequest): boolean {
  if ((request.body as { readonly password?: string }).password !== undefined) return false
  return request.headers.authorization !== undefined || cookiesOf(request, accessCookie).length > 0
}
