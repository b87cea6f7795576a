import type { LettersAdministration } from '../../admin/letters-administration.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { type LetterRecord, letterOutcomes } from '../../mail/letter-log.js'
import { type WaitingLetter, waitingStates } from '../../mail/outbox.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, forUrl, refusals } from '../refusals.js'
import { byToken, firstId, IdInput, IdParams, pageQuery } from '../schemas.js'

const nullable = (type: 'text' | 'time', description: string) =>
  Type.Union([Type.String({ ...(type === 'time' ? { format: 'date-time' } : {}), description }), Type.Null()])

const Waiting = Type.Object({
  id: Type.String({ format: 'uuid' }),
  kind: Type.String({ description: 'The template; "ask_…" for a request that leads to a letter.' }),
  to: nullable('text', 'The recipient, masked.'),
  account: nullable('text', 'The account that the letter is about; null if it is not known yet.'),
  state: Type.Enum([...waitingStates], {
    description: 'waiting: for its first attempt. sending: an attempt is in progress. delayed: an attempt has failed.',
  }),
  attempts: Type.Integer(),
  due_at: Type.String({ format: 'date-time', description: 'The time of the next attempt.' }),
  last_error: nullable('text', 'The codes of the last attempt, such as "ESOCKET ECONNREFUSED".'),
  created_at: Type.String({ format: 'date-time' }),
})

const shared = { tags: ['administration'], security: byToken } as const
const nextCursor = Type.Union([Type.String({ format: 'uuid' }), Type.Null()])

const listSchema = {
  ...shared,
  operationId: 'listLetters',
  summary: 'List the letters that wait in the outbox, oldest first; recipients are masked',
  querystring: Type.Object(pageQuery, { additionalProperties: false }),
  response: {
    200: Type.Object({
      enabled: Type.Boolean({ description: 'Whether this server can send e-mail.' }),
      waiting: Type.Integer({ description: 'The number of waiting letters, at most 10,000.' }),
      next_due_at: nullable('time', 'When the next letter is due.'),
      letters: Type.Array(Waiting),
      next_cursor: nextCursor,
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

const sentSchema = {
  ...shared,
  operationId: 'listSentLetters',
  summary: 'List the letters that have left the outbox in the last 90 days, newest first; without their texts',
  querystring: Type.Object(
    { account: Type.Optional({ ...IdInput, description: 'Only letters about this account.' }), ...pageQuery },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      letters: Type.Array(
        Type.Object({
          id: Type.String({ format: 'uuid' }),
          account: nullable('text', 'The account that the letter was about.'),
          kind: Type.String({ description: 'The template.' }),
          created_at: Type.String({ format: 'date-time', description: 'The time of its cause.' }),
          at: Type.String({ format: 'date-time', description: 'The time at which it left the outbox.' }),
          outcome: Type.Enum([...letterOutcomes], {
            description:
              'sent: the mail server has taken it. failed: it was given up. withheld: the mailbox had got too many. ' +
              'dropped: an administrator has deleted it.',
          }),
        }),
      ),
      next_cursor: nextCursor,
    }),
    ...refusals(...forUrl, ...forAdmin),
  },
}

const changeRefusals = refusals(...forBody, ...forAdmin, 'csrf_refused', 'letter_unknown', 'letter_sending')

const retrySchema = {
  ...shared,
  operationId: 'retryLetter',
  summary: 'Try to send a waiting letter now',
  params: IdParams,
  response: { 200: Waiting, ...changeRefusals },
}

const dropSchema = {
  ...shared,
  operationId: 'dropLetter',
  summary: 'Delete a waiting letter, so that it is never sent',
  params: IdParams,
  response: { 204: Type.Null({ description: 'The letter is deleted.' }), ...changeRefusals },
}

/** GET /v1/admin/letters · /letters/sent, POST /letters/:id/retry, DELETE /letters/:id */
export function addLetters(app: App, letters: LettersAdministration): void {
  app.get('/v1/admin/letters', { schema: listSchema }, async (request) => {
    const { limit, cursor = firstId } = request.query
    const [state, { items, next }] = await Promise.all([letters.state(), letters.listWaiting({ after: cursor, limit })])
    const { isEnabled: enabled, waiting, nextDueAt } = state
    const next_due_at = nextDueAt === null ? null : timeAnswer(nextDueAt)
    return { enabled, waiting, next_due_at, letters: items.map(waitingAnswer), next_cursor: next ?? null }
  })
  app.get('/v1/admin/letters/sent', { schema: sentSchema }, async (request) => {
    const { limit, cursor, account } = request.query
    const { items, next } = await letters.listSent({ account, before: cursor, limit })
    return { letters: items.map(sentAnswer), next_cursor: next ?? null }
  })
  app.post('/v1/admin/letters/:id/retry', { schema: retrySchema }, async (request) =>
    waitingAnswer(await letters.retry(administratorOf(request), request.params.id)),
  )
  app.delete('/v1/admin/letters/:id', { schema: dropSchema }, async (request, reply) => {
    await letters.drop(administratorOf(request), request.params.id)
    return reply.code(204).send(null)
  })
}

function waitingAnswer({ id, kind, to, account, state, attempts, dueAt, lastError }: WaitingLetter) {
  const times = { due_at: timeAnswer(dueAt), created_at: timeAnswer(createdAtOf(id)) }
  return { id, kind, to, account, state, attempts, last_error: lastError, ...times }
}

function sentAnswer({ id, account, kind, at, outcome }: LetterRecord) {
  return { id, account, kind, outcome, at: timeAnswer(at), created_at: timeAnswer(createdAtOf(id)) }
}

/** Returns the time at which an ID was made (RFC 9562 §5.7, UUID version 7). */
function createdAtOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
