import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { Locale } from '../../locales.js'
import { managedAccountAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdParams, localeInput, Role, RoleNames, Scope } from '../schemas.js'

/** At least one of these members is in a request. */
const changeable = ['role', 'roles', 'scope', 'locale'] as const

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
      expected: Type.Optional(
        Type.Object(
          { role: Role, roles: RoleNames, scope: Scope },
          {
            additionalProperties: false,
            description:
              'The rights as you last read them. The change is refused if they are not these any more, so ' +
              'that it undoes no change of another administrator.',
          },
        ),
      ),
    },
    { additionalProperties: false, anyOf: changeable.map((name) => ({ required: [name] })) },
  ),
  response: {
    200: Type.Ref('ManagedAccount#'),
    ...refusals(
      ...forBody,
      ...forAdmin,
      'csrf_refused',
      'account_unknown',
      'grants_changed_meanwhile',
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
    const { roles, expected, ...others } = request.body
    const { id } = request.params
    const change = { ...others, roles: roles?.join(' ') }
    const from = expected && { ...expected, roles: expected.roles.join(' ') }
    return managedAccountAnswer(await administration.changeGrants(administratorOf(request), id, change, from))
  })
}
