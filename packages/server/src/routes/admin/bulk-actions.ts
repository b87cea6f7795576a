import { bulkActions as actions, type BulkActions, bulkOutcomes } from '../../admin/bulk-actions.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken, IdInput } from '../schemas.js'

const closed = { additionalProperties: false }

const schema = {
  tags: ['administration'],
  operationId: 'changeUsers',
  summary: 'Carry out an action on up to 100 accounts',
  description:
    'Each account has a transaction of its own, with the rules and the audit entry of the route for one account. ' +
    'A refusal of one account does not stop the others. With "dry_run" nothing changes, and each account is judged ' +
    'alone.',
  security: byToken,
  body: Type.Object(
    {
      action: Type.Enum([...actions], { description: 'As POST /v1/admin/users/{id}/<action> does it.' }),
      ids: Type.Array(IdInput, { minItems: 1, maxItems: 100, uniqueItems: true }),
      dry_run: Type.Optional(Type.Boolean({ description: 'Whether to only find out what would happen.' })),
    },
    closed,
  ),
  response: {
    200: Type.Object(
      {
        results: Type.Array(
          Type.Object(
            {
              id: Type.String({ format: 'uuid' }),
              outcome: Type.Enum([...bulkOutcomes], {
                description: '"skipped": the account was already as the action makes it.',
              }),
              code: Type.Union([Type.String({ description: 'The reason of a refusal.' }), Type.Null()]),
            },
            closed,
          ),
          { description: 'In the order of the IDs.' },
        ),
      },
      closed,
    ),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused'),
  },
}

/** POST /v1/admin/users/bulk */
export function addBulkActions(app: App, bulkActions: BulkActions): void {
  app.post('/v1/admin/users/bulk', { schema }, async (request) => {
    const { action, ids, dry_run: dryRun = false } = request.body
    const results = await bulkActions.run(administratorOf(request), { action, ids, dryRun })
    return { results: results.map((result) => ({ ...result })) }
  })
}
