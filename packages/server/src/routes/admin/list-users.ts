import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { managedAccountAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, firstId, pageQuery } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'listUsers',
  summary: 'List and search accounts, oldest first',
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
    const { search, limit, cursor = firstId } = request.query
    const { items, next } = await administration.list({ search, limit, after: cursor })
    return { users: items.map(managedAccountAnswer), next_cursor: next ?? null }
  })
}
