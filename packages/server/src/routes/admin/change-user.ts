import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Locale } from '../../locales.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams, localeInput, Role, RoleNames, Scope } from '../schemas.js'

const schemaOf = (offered: readonly Locale[]) => ({
  tags: ['administration'],
  operationId: 'changeUser',
  summary: 'Change the rights or the language of an account',
  description:
    'The role in this server, and the roles and the scope in the applications behind it. A ' +
    'given value replaces the old one. The change applies at once, also to access tokens that ' +
    'were issued before; sessions continue. Roles and scope together have at most 1 KiB of ' +
    'JSON.',
  security: byToken,
  params: IdParams,
  body: Type.Object(
    {
      role: Type.Optional(Role),
      roles: Type.Optional(RoleNames),
      scope: Type.Optional(Scope),
      locale: Type.Optional(localeInput(offered)),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'account_unknown',
      'own_account',
      'grants_too_large',
      'last_administrator',
    ),
  },
})

/** PATCH /v1/admin/users/:id. `offered`: the languages of this server. */
export function addChangeUser(app: App, administration: Administration, offered: readonly Locale[]): void {
  const schema = schemaOf(offered)
  app.patch('/v1/admin/users/:id', { schema }, async (request) => {
    const { roles, ...others } = request.body
    const grants = { ...others, roles: roles?.join(' ') }
    return managedAccountAnswer(await administration.changeGrants(administratorOf(request), request.params.id, grants))
  })
}
