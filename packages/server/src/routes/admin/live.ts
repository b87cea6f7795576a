import { failures, type Latchkey } from 'latchkey'
import { authOf } from 'latchkey/fastify'
import type { LiveState, LiveView } from '../../admin/live-view.js'
import type { App } from '../../http/app.js'
import { EventStream, eventStreamHeaders } from '../../http/event-stream.js'
import { problemAnswer, refusalOf } from '../../http/problem-answer.js'
import { Type } from '../../http/type.js'
import { type Counters, counterNames, type Refusals, type RefusedKind } from '../../ops/process-counters.js'
import type { ReportedProcess } from '../../ops/process-reports.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { routeFailures } from '../failures.js'
import type { Guards } from '../guards/guards.js'
import { runGuards } from '../guards/run-guards.js'
import { problems } from '../problems.js'
import { forAdmin, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const nullableMs = (description: string) => Type.Union([Type.Integer({ description }), Type.Null()])

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const meanings: Readonly<Record<keyof Counters, string>> = {
  verificationsMemory: 'Access tokens accepted from memory.',
  verificationsRead: 'Access tokens accepted after a read.',
  verificationsRefused: 'Access tokens refused.',
  signIns: 'Sign-ins.',
  signInsRefused: 'Sign-ins refused.',
  introspections: 'Introspections answered.',
  introspectionsRefused: 'Introspections refused.',
  forwardAuth: 'Forward-auth checks that let a request pass.',
  forwardAuthRefused: 'Forward-auth checks that refused a request.',
  limiterRefusals: 'Requests refused by a rate limit.',
  mailSent: 'E-mails sent.',
  mailDelayed: 'Attempts to send an e-mail that failed and are retried.',
  mailFailed: 'E-mails given up.',
  requests: 'Requests answered.',
  requestsFailed: 'Requests answered with a status from 500.',
}

const counters = (description: string) =>
  Type.Object(
    Object.fromEntries(counterNames.map((name) => [snakeCase(name), Type.Number({ description: meanings[name] })])),
    { description },
  )

/** The kinds of refusals, by their names in the API. */
const kindNames: Readonly<Record<RefusedKind, string>> = {
  verification: 'verification',
  signIn: 'sign_in',
  introspection: 'introspection',
  forwardAuth: 'forward_auth',
}

const Refusal = Type.Object({
  kind: Type.Enum(Object.values(kindNames), { description: 'The kind of request.' }),
  code: Type.String(),
  title: Type.String({ description: 'The meaning of the code.' }),
  rate: Type.Number({ description: 'Per second.' }),
})

const Process = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String({ description: 'The host and the process ID.' }),
  current: Type.Boolean({ description: 'Whether this process sends the stream.' }),
  started_at: Type.String({ format: 'date-time' }),
  seen_ms_ago: Type.Integer({ description: 'The age of its report. Rates and totals leave out reports over 10 s.' }),
  feed_age_ms: nullableMs('The time since its last proof that the change feed is complete; null without one.'),
  verifications: Type.Number({ description: 'Access tokens verified per second.' }),
  requests: Type.Number({ description: 'Requests answered per second.' }),
  deliveries: Type.Object(
    {
      count: Type.Integer(),
      p50_ms: nullableMs('The median.'),
      p99_ms: nullableMs('The 99th percentile.'),
    },
    {
      description:
        'Upper bounds of the times from a commit to its delivery to this process, for the changes ' +
        'of the last ten minutes.',
    },
  ),
})

const LiveEvent = Type.Object({
  at: Type.String({ format: 'date-time' }),
  rates: counters('Events per second, of all processes together.'),
  totals: counters('Events since these processes started.'),
  refusals: Type.Array(Refusal, { description: 'The refusals of this moment by code, of all processes together.' }),
  processes: Type.Array(Process, {
    description:
      'The server processes of the database, at most 100: this one first, then those that are silent, then those ' +
      'that are behind.',
  }),
  process_count: Type.Integer({ description: 'The number of all server processes of the database.' }),
  verifiers: Type.Union([
    Type.Integer({ description: 'Processes that verify tokens: servers, and applications with the library.' }),
    Type.Null(),
  ]),
  limits_in_memory: Type.Boolean({
    description: 'Whether this process counts rate limits by itself, because the shared counters fail.',
  }),
})

const description =
  'Server-Sent Events: an event "state" every second, with the JSON below as its data. Before the ' +
  'server ends the stream, it sends an event "end" with the "code", the "title" and the "hint" of ' +
  'the reason: the token has expired, the right or the session has ended, the database does not ' +
  'answer, or the server stops. A client that does not read is disconnected. An account can have ' +
  'four streams at a time.'

const schema = {
  tags: ['administration'],
  operationId: 'watchServer',
  summary: 'Watch what all servers of the database do',
  description,
  security: byToken,
  response: {
    ...streamOf(LiveEvent),
    ...refusals(...forAdmin, 'live_streams_exhausted', 'not_ready'),
  },
}

/** Returns the response schema of a stream of these events. */
function streamOf(schema: object) {
  return Object.fromEntries([[200, { description, content: { 'text/event-stream': { schema } } }]])
}

const reconnectMs = 2000

interface LiveDependencies {
  readonly liveView: LiveView
  readonly latchkey: Latchkey
  readonly guards: Guards
}

/** GET /v1/admin/live */
export function addLive(app: App, { liveView, latchkey, guards }: LiveDependencies): void {
  // A HEAD request would hold a stream without a reader.
  app.get('/v1/admin/live', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const stream = new EventStream(reconnectMs)
    const end = (refusal: unknown = routeFailures.refusal('not_ready')) => {
      const { code, title, hint, status } = problemAnswer(refusalOf(refusal), { requestId: request.id })
      stream.send('end', { code, title, hint, status })
      stream.end()
    }
    const stop = liveView.watch({
      accountId: administratorOf(request).accountId,
      check: () => runGuards(guards.administratorAgain, request, reply),
      receive: (state) => stream.send('state', answerOf(state)),
      end,
    })
    const stopToken = latchkey.watch(authOf(request), (refusal) => {
      stop()
      end(refusal)
    })
    stream.body.once('close', () => {
      stop()
      stopToken()
    })
    return reply.headers(eventStreamHeaders).send(stream.body)
  })
}

function answerOf({ at, rates, totals, refusals, processes, processCount, verifiers, limitsInMemory }: LiveState) {
  return {
    at: timeAnswer(at),
    rates: countersAnswer(rates),
    totals: countersAnswer(totals),
    refusals: refusalsAnswer(refusals),
    processes: processes.map(processAnswer),
    process_count: processCount,
    verifiers: verifiers ?? null,
    limits_in_memory: limitsInMemory,
  }
}

function processAnswer(process: ReportedProcess) {
  const { id, name, isCurrent, startedAt, seenMsAgo, feedAgeMs, rates, deliveries } = process
  return {
    id,
    name,
    current: isCurrent,
    started_at: timeAnswer(startedAt),
    seen_ms_ago: Math.round(seenMsAgo),
    feed_age_ms: feedAgeMs,
    verifications: round(rates.verificationsMemory + rates.verificationsRead + rates.verificationsRefused),
    requests: rates.requests,
    deliveries: { count: deliveries.count, p50_ms: deliveries.p50Ms, p99_ms: deliveries.p99Ms },
  }
}

function refusalsAnswer(refusals: Refusals) {
  return Object.entries(refusals).flatMap(([key, rate]) => {
    const [kind = '', code = ''] = key.split('.')
    const name = kindNames[kind as RefusedKind]
    return rate === 0 || name === undefined ? [] : [{ kind: name, code, title: titleOf(code), rate: round(rate) }]
  })
}

const titles: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...failures, ...problems }).map(([code, { message }]) => [code, message]),
)

/** Returns the title of a code; none for the code of a newer server. */
function titleOf(code: string): string {
  return titles.get(code) ?? ''
}

function countersAnswer(values: Counters): Record<string, number> {
  return Object.fromEntries(counterNames.map((name) => [snakeCase(name), round(values[name])]))
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
