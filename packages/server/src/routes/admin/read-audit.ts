import type { Administration } from '../../admin/administration.js'
import { decodeDetail } from '../../audit/audit-detail.js'
import { auditEvents, auditOutcomes } from '../../audit/audit-record.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { Problem } from '../../problem.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdInput, pageQuery } from '../schemas.js'

const nullableText = (description: string) => Type.Union([Type.String({ description }), Type.Null()])

const schema = {
  tags: ['administration'],
  operationId: 'readAudit',
  summary: 'Read what happened, newest first',
  security: byToken,
  querystring: Type.Object(
    {
      account: Type.Optional({ ...IdInput, description: 'Only what happened to it.' }),
      actor: Type.Optional(
        Type.String({ maxLength: 64, description: 'Only what this account did; "cli" for the operator.' }),
      ),
      session: Type.Optional({ ...IdInput, description: 'Only what happened in or to it.' }),
      address: Type.Optional(Type.String({ maxLength: 64, description: 'Only what came from this address.' })),
      event: Type.Optional(Type.Enum([...auditEvents])),
      outcome: Type.Optional(Type.Enum([...auditOutcomes])),
      since: Type.Optional(Type.String({ format: 'date-time', description: 'Only what happened then or later.' })),
      until: Type.Optional(Type.String({ format: 'date-time', description: 'Only what happened before.' })),
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
          actor: nullableText('The account that acted; null for nobody known; "cli" for the operator.'),
          account: nullableText('The account that it happened to.'),
          session: nullableText('The session that it happened in or to.'),
          address: nullableText('Where the request came from; with a "count" the network.'),
          detail: Type.Union([
            Type.Object(
              {},
              {
                additionalProperties: true,
                description:
                  'What else there is to say: a "reason" of a refusal, grants "before" and "after" a change; of events that are one entry the ' +
                  '"count", and the time of the "first" and the "last".',
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
    const { since, until, cursor, ...filter } = request.query
    const query = { ...filter, before: cursor, since: momentOf(since), until: momentOf(until) }
    const { items, next } = await administration.readAudit(query)
    const entries = items.map((entry) => ({
      ...entry,
      at: timeAnswer(entry.at),
      detail: decodeDetail(entry.detail),
    }))
    return { entries, next_cursor: next ?? null }
  })
}

/** Nothing happened before 1970. The leap second, which is a time as well, is none that is counted here. */
function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new Problem('validation_failed')
  return Math.max(ms, 0)
}
