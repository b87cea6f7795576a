import { type TaskKind, taskKinds } from '../../admin/task-table.js'
import type { TaskStatus, Tasks } from '../../admin/tasks.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const time = () => Type.String({ format: 'date-time' })

const TaskAnswer = Type.Object({
  kind: Type.Enum([...taskKinds]),
  state: Type.Enum(['running', 'waiting', 'done', 'stopped', 'failed'], {
    description: 'waiting: no server runs the task now; one will continue it.',
  }),
  started_by: Type.String({ description: 'The ID of the account that started it; "cli" for the operator.' }),
  started_at: time(),
  ended_at: Type.Union([time(), Type.Null()]),
  step: Type.String({ description: 'The current step of replace_keys: announce, switch, replace or finish.' }),
  done: Type.Integer({ description: 'Accounts and clients, or for rewrap stored values, that are done.' }),
  total: Type.Union([Type.Integer(), Type.Null({ description: 'Not counted yet.' })]),
  code: Type.Union([
    Type.String({ description: 'The failure that has ended it. Start it again to continue.' }),
    Type.Null(),
  ]),
})

const shared = { tags: ['administration'], security: byToken } as const

const readSchema = {
  ...shared,
  operationId: 'readTasks',
  summary: 'Read the progress of the last task of each kind: revoke-all, replace-keys and rewrap',
  response: { 200: Type.Object({ tasks: Type.Array(TaskAnswer) }), ...refusals(...forAdmin) },
}

const sharedText =
  'A task runs in the background on one server, and another continues if that one stops. All servers of a database ' +
  'share one task at a time. Start a task again after it was stopped or has failed, and it continues.'

const starts = {
  revoke_all: {
    path: '/v1/admin/revoke-all',
    operationId: 'revokeAll',
    summary: 'End every session and token of all accounts and clients, in the background',
    description: `${sharedText} The account that acts is the last one, and is signed out as well.`,
  },
  replace_keys: {
    path: '/v1/admin/replace-keys',
    operationId: 'replaceKeys',
    summary: 'After a leak of the master key: replace every key and secret, and end every session and token',
    description:
      `${sharedText} Waiting e-mails are dropped, mailed links and trust in devices end. The newest master key encrypts ` +
      'the new keys, so it must not be the one that has leaked. The account that acts is signed out as well.',
  },
  rewrap: {
    path: '/v1/admin/rewrap',
    operationId: 'rewrap',
    summary: 'Encrypt every stored value with the newest master key, in the background, without ending sessions',
    description: sharedText,
  },
} as const satisfies Record<TaskKind, object>

const stopSchema = {
  ...shared,
  operationId: 'stopTask',
  summary: 'Stop the running task after its current step',
  response: { 200: TaskAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'task_unknown') },
}

/** GET /v1/admin/tasks · POST /v1/admin/revoke-all · /replace-keys · /rewrap · /tasks/stop */
export function addTasks(app: App, tasks: Tasks): void {
  app.get('/v1/admin/tasks', { schema: readSchema }, async () => ({ tasks: (await tasks.read()).map(answerOf) }))
  for (const kind of taskKinds) {
    const { path, ...described } = starts[kind]
    const response = { 200: TaskAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'task_running') }
    app.post(path, { schema: { ...shared, ...described, response } }, async (request) =>
      answerOf(await tasks.start(administratorOf(request), kind)),
    )
  }
  app.post('/v1/admin/tasks/stop', { schema: stopSchema }, async (request) =>
    answerOf(await tasks.stop(administratorOf(request))),
  )
}

function answerOf({ kind, state, startedBy, startedAt, endedAt, step, done, total, code }: TaskStatus) {
  const times = { started_at: timeAnswer(startedAt), ended_at: endedAt === null ? null : timeAnswer(endedAt) }
  return { kind, state, started_by: startedBy, ...times, step, done, total, code }
}
