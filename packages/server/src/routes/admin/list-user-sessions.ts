import { authOf } from 'latchkey/fastify'
import type { Administration } from '../../admin/administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import type { StoredSession } from '../../sessions/session-table.js'
import { sessionAnswer, timeAnswer } from '../answers.js'
import { forAdmin, forUrl, refusals } from '../refusals.js'
import { byToken, IdParams, pageQuery, Session } from '../schemas.js'

const closed = { additionalProperties: false }

const ManagedSession = Type.Object(
  {
    ...Session.properties,
    ended_at: Type.Union([
      Type.String({
        format: 'date-time',
        description: 'The time of its end; null while it lives or if it has expired.',
      }),
      Type.Null(),
    ]),
    end_reason: Type.Union([
      Type.String({ description: 'The reason for which it was ended, or "expired"; null while it lives.' }),
      Type.Null(),
    ]),
  },
  closed,
)

const schema = {
  tags: ['administration'],
  operationId: 'listUserSessions',
  summary: 'List the sessions of an account, newest first',
  security: byToken,
  params: IdParams,
  querystring: Type.Object(
    {
      ended: Type.Boolean({
        default: false,
        description:
          'Whether to list the sessions that have ended or expired instead of those that live, which are on one ' +
          'page. They are kept for a day.',
      }),
      ...pageQuery,
    },
    closed,
  ),
  response: {
    200: Type.Object(
      {
        sessions: Type.Array(ManagedSession),
        next_cursor: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
      },
      closed,
    ),
    ...refusals(...forUrl, ...forAdmin, 'account_unknown'),
  },
}

/** GET /v1/admin/users/:id/sessions */
export function addListUserSessions(app: App, administration: Administration): void {
  app.get('/v1/admin/users/:id/sessions', { schema }, async (request) => {
    const { ended, limit, cursor } = request.query
    const { id } = request.params
    const { sessionId } = authOf(request)
    if (!ended) {
      const live = await administration.listSessions(id)
      const sessions = live.map((session) => ({
        ...sessionAnswer(session, sessionId),
        ended_at: null,
        end_reason: null,
      }))
      return { sessions, next_cursor: null }
    }
    const { items, next } = await administration.listEndedSessions(id, { before: cursor, limit })
    return { sessions: items.map(endedSessionAnswer), next_cursor: next ?? null }
  })
}

function endedSessionAnswer(session: StoredSession) {
  const { endedAt, endReason } = session
  return {
    ...sessionAnswer(session, undefined),
    ended_at: endedAt === null ? null : timeAnswer(endedAt),
    end_reason: endReason ?? 'expired',
  }
}
