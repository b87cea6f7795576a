import type { Administration } from '../../admin/administration.js'
import { decodeDetail } from '../../audit/audit-detail.js'
import { auditOutcomes } from '../../audit/audit-record.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, pageQuery } from '../schemas.js'
import { auditFilterOf, auditFilterQuery } from './audit-query.js'

const nullableText = (description: string) => Type.Union([Type.String({ description }), Type.Null()])

const schema = {
  tags: ['administration'],
  operationId: 'readAudit',
  summary: 'Read the audit log, newest entries first',
  security: byToken,
  querystring: Type.Object(
    {
      ...auditFilterQuery,
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      entries: Type.Array(
        Type.Object({
          id: Type.String({ format: 'uuid' }),
          at: Type.String({ format: 'date-time' }),
          event: Type.String(),
          outcome: Type.Enum([...auditOutcomes]),
          actor: nullableText('The account that acted, "cli" for the operator, or null if it is not known.'),
          account: nullableText('The account that the event is about.'),
          session: nullableText('The session that the event is about.'),
          address: nullableText('The IP address of the request; with a "count" its network.'),
          detail: Type.Union([
            Type.Object(
              {},
              {
                additionalProperties: true,
                description:
                  'Details: the "reason" of a refusal, or the grants "before" and "after" a change. An entry ' +
                  'for several events has their "count" and the times of the "first" and the "last".',
              },
            ),
            Type.Null(),
          ]),
        }),
      ),
      next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

/** GET /v1/admin/audit */
export function addReadAudit(app: App, administration: Administration): void {
  app.get('/v1/admin/audit', { schema }, async (request) => {
    const { cursor, limit, ...filter } = request.query
    const { items, next } = await administration.readAudit({ ...auditFilterOf(filter), before: cursor, limit })
    const entries = items.map((entry) => ({
      ...entry,
      at: timeAnswer(entry.at),
      detail: decodeDetail(entry.detail),
    }))
    return { entries, next_cursor: next ?? null }
  })
}
