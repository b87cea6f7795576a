import type { AuditReview } from '../../admin/audit-review.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const link = { maxLength: 64, pattern: '^[A-Za-z0-9_-]*$' }

const Point = Type.Object(
  {
    seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'The number of the entry.' }),
    link: Type.String({ ...link, description: 'The MAC over all entries up to this one.' }),
  },
  { additionalProperties: false },
)

const schema = {
  tags: ['administration'],
  operationId: 'verifyAudit',
  summary: 'Verify the next part of the audit log: whether an entry was changed, removed or moved',
  description:
    'Each request checks some thousand entries. Begin without "after", and repeat with the returned "last" until ' +
    '"done". The last request also checks both ends and the entries that are not linked yet, and is recorded in the ' +
    'log, as is a part with a finding.',
  security: byToken,
  body: Type.Object({ after: Type.Optional(Point) }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      checked: Type.Integer({ description: 'The entries of this part.' }),
      last: Point,
      head: { ...Point, description: 'The newest place. Store it elsewhere: "latchkey audit verify --head" takes it.' },
      done: Type.Boolean(),
      findings: Type.Array(
        Type.Object({
          fault: Type.String({ description: 'Such as entry_changed, entries_missing, order_changed, tail_missing.' }),
          seq: Type.Union([Type.Integer(), Type.Null()], { description: 'null for an entry that is not linked yet.' }),
          id: Type.Union([Type.String(), Type.Null()], { description: 'The entry, if the fault concerns one.' }),
        }),
        { description: 'At most 100; the first one is the first broken place.' },
      ),
    }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused'),
  },
}

/** POST /v1/admin/audit/verify */
export function addVerifyAudit(app: App, review: AuditReview): void {
  app.post('/v1/admin/audit/verify', { schema, config: { readsOnly: true } }, async (request) => {
    const { checked, last, head, isDone, findings } = await review.verify(administratorOf(request), request.body.after)
    const found = findings.map(({ fault, seq, id }) => ({ fault, seq: seq ?? null, id: id ?? null }))
    return { checked, last: pointOf(last), head: pointOf(head), done: isDone, findings: found }
  })
}

function pointOf({ seq, link: at }: { readonly seq: number; readonly link: string }) {
  return { seq, link: at }
}
