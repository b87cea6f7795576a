import type { OwnAccount } from '../../accounts/own-account.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Locale } from '../../locales.js'
import { accountAnswer } from '../answers.js'
import { actingOf, originOf } from '../caller.js'
import { forBody, forToken, refusals } from '../refusals.js'
import { byToken, EmailInput, localeInput, NameInput, PasswordInput } from '../schemas.js'

const schemaOf = (offered: readonly Locale[]) => ({
  tags: ['own account'],
  operationId: 'updateMe',
  summary: 'Change your name, language or e-mail address',
  description:
    'A new address needs the password of the account. It replaces the old one when its owner ' +
    'follows the link that is mailed to it. The old address, if verified, is notified. An ' +
    'account can request five changes an hour. A name of null removes the name.',
  security: byToken,
  body: Type.Object(
    {
      name: Type.Optional(Type.Union([NameInput, Type.Null()])),
      locale: Type.Optional(localeInput(offered)),
      email: Type.Optional(EmailInput),
      password: Type.Optional(PasswordInput),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Ref('Account#'),
    ...refusals(
      ...forBody,
      'overloaded',
      ...forToken,
      'csrf_refused',
      'password_required',
      'recent_authentication_required',
      'password_wrong',
      'guess_delayed',
      'email_invalid',
      'email_taken',
      'mail_unavailable',
    ),
  },
})

/** PATCH /v1/me. `offered`: the languages of this server. */
export function addUpdateMe(app: App, ownAccount: OwnAccount, offered: readonly Locale[]): void {
  const schema = schemaOf(offered)
  app.patch('/v1/me', { schema }, async (request) =>
    accountAnswer(await ownAccount.update(actingOf(request), request.body, originOf(request))),
  )
}
