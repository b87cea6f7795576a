import { Readable } from 'node:stream'
import type { AuditReview } from '../../admin/audit-review.js'
import { auditFormats } from '../../audit/audit-lines.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'
import { auditFilterOf, auditFilterQuery } from './audit-query.js'

const mediaTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8; header=present' } as const

const schema = {
  tags: ['administration'],
  operationId: 'exportAudit',
  summary: 'Export the audit log, oldest entries first, with the tags and links that prove it',
  description:
    'The export is recorded in the log. In CSV, an apostrophe precedes a text that a spreadsheet would take as a formula.',
  security: byToken,
  querystring: Type.Object(
    {
      format: Type.Enum([...auditFormats], { default: 'ndjson', description: 'ndjson: one JSON object a line.' }),
      ...auditFilterQuery,
    },
    { additionalProperties: false },
  ),
  response: {
    200: {
      description: 'The entries, streamed.',
      content: {
        'application/x-ndjson': { schema: { type: 'string' } },
        'text/csv': { schema: { type: 'string' } },
      },
    },
    ...refusals(...forUrl, ...forAdmin),
  },
}

/** GET /v1/admin/audit/export */
export function addExportAudit(app: App, review: AuditReview): void {
  app.get('/v1/admin/audit/export', { schema }, async (request, reply) => {
    const { format, ...filter } = request.query
    const chunks = await review.export(administratorOf(request), auditFilterOf(filter), format)
    reply.header('Content-Disposition', `attachment; filename="latchkey-audit.${format}"`)
    reply.type(mediaTypes[format])
    return reply.send(Readable.from(chunks, { highWaterMark: 2 }) as never)
  })
}
