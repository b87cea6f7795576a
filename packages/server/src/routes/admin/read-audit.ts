import { Type } from 'typebox'
import type { App } from '../../http/app.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import type { RouteContext } from '../route-context.js'
import { IdInput, pageQuery } from '../schemas.js'

const nullableText = (description: string) => Type.Union([Type.String({ description }), Type.Null()])

const schema = {
  tags: ['administration'],
  summary: 'Read what happened, newest first',
  security: [{ bearer: [] }],
  querystring: Type.Object(
    { account: Type.Optional({ ...IdInput, description: 'Only what happened to it.' }), ...pageQuery },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      entries: Type.Array(
        Type.Object({
          id: Type.String({ format: 'uuid' }),
          at: Type.String({ format: 'date-time' }),
          event: Type.String(),
          outcome: Type.Union([Type.Literal('done'), Type.Literal('refused')]),
          actor: nullableText('The account that acted; null for nobody known; "cli" for the operator.'),
          account: nullableText('The account that it happened to.'),
          session: nullableText('The session that it happened in or to.'),
          address: nullableText('Where the request came from.'),
        }),
      ),
      next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

/** GET /v1/admin/audit */
export function addReadAudit(app: App, { administration, admin }: RouteContext): void {
  app.get('/v1/admin/audit', { schema, config: { limit: 'admin' }, onRequest: admin }, async (request) => {
    const { account, limit, cursor } = request.query
    const query = { account, before: cursor, limit }
    const { items, next } = await administration.readAudit(query)
    return { entries: items.map((entry) => ({ ...entry, at: timeAnswer(entry.at) })), next_cursor: next ?? null }
  })
}
