import { accountStates } from '../../accounts/account-filter.js'
import { roles } from '../../accounts/account-table.js'
import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { momentOf } from '../moment.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, firstId, pageQuery } from '../schemas.js'

const time = (description: string) => Type.Optional(Type.String({ format: 'date-time', description }))

const schema = {
  tags: ['administration'],
  operationId: 'listUsers',
  summary: 'List and search accounts, oldest first',
  description:
    'The accounts that match the search and every filter. A page may be short, even empty, where few accounts ' +
    'match: only a page without "next_cursor" is the last one.',
  security: byToken,
  querystring: Type.Object(
    {
      search: Type.String({
        maxLength: 254,
        default: '',
        description:
          'A complete address, which finds its account alone, or a part of the address or of the name. One or two ' +
          'characters find the beginning of a word.',
      }),
      role: Type.Optional(Type.Enum([...roles], { description: 'Only accounts with this right in this server.' })),
      state: Type.Optional(
        Type.Enum([...accountStates], {
          description:
            'Only accounts in this state: "disabled"; "unverified", which are enabled but have not verified their ' +
            'address; or "active", all others.',
        }),
      ),
      second_factor: Type.Optional(
        Type.Enum(['with', 'without'], { description: 'Only accounts with or without a second factor.' }),
      ),
      signed_in_before: time('Only accounts whose last login was before this time, or that had none.'),
      signed_in_after: time('Only accounts whose last login was at or after this time.'),
      created_before: time('Only accounts that were created before this time.'),
      created_after: time('Only accounts that were created at or after this time.'),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      users: Type.Array(Type.Ref('ManagedAccount#')),
      next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

/** GET /v1/admin/users */
export function addListUsers(app: App, administration: Administration): void {
  app.get('/v1/admin/users', { schema }, async (request) => {
    const { search, role, state, second_factor: factor, limit, cursor = firstId, ...times } = request.query
    const { items, next } = await administration.list({
      search,
      limit,
      after: cursor,
      role,
      state,
      secondFactor: factor === undefined ? undefined : factor === 'with',
      signedInBefore: momentOf(times.signed_in_before),
      signedInAfter: momentOf(times.signed_in_after),
      createdBefore: momentOf(times.created_before),
      createdAfter: momentOf(times.created_after),
    })
    return { users: items.map(managedAccountAnswer), next_cursor: next ?? null }
  })
}
