import type { Administrator } from '../../admin/administrator.js'
import type { RotationStatus, Rotations } from '../../admin/rotations.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { Problem } from '../../problem.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const RotationAnswer = Type.Object({
  state: Type.Enum(['rotating', 'paused', 'waiting', 'done', 'stopped'], {
    description: 'waiting: no server carries it out at the moment; one will take it up.',
  }),
  older_than: Type.String({ format: 'date-time', description: 'Give it again to go on after a stop.' }),
  rotated: Type.Integer(),
  failed: Type.Record(Type.String(), Type.Integer(), { description: 'Accounts that kept their secret, by code.' }),
  remaining: Type.Integer(),
  estimated_end: Type.String({ format: 'date-time' }),
})

const shared = { tags: ['administration'], security: byToken } as const

const startSchema = {
  ...shared,
  operationId: 'startRotation',
  summary: 'Give everybody a new secret whose secret is older than a date, at a bounded rate; nobody is logged out',
  description:
    'One at a time for all servers of the database. One of them carries it out; should it die, another takes it up. Any of them may be asked to steer it.',
  body: Type.Object(
    {
      older_than: Type.Optional(Type.String({ format: 'date-time', description: 'By default now: everybody.' })),
      rate_per_minute: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000, description: 'By default 6000.' })),
      canary: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Pause after so many.' })),
    },
    { additionalProperties: false },
  ),
  response: { 200: RotationAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'rotation_running') },
}

const readSchema = {
  ...shared,
  operationId: 'readRotation',
  summary: 'Read how far the last rotation of everybody has come',
  response: { 200: RotationAnswer, ...refusals(...forAdmin, 'rotation_unknown') },
}

const steps = {
  pause: 'Rotate nobody until it is resumed',
  resume: 'Go on with a rotation that pauses',
  stop: 'End the rotation',
} as const

/** GET and POST /v1/admin/rotations · POST /v1/admin/rotations/pause · /resume · /stop */
export function addRotations(app: App, rotations: Rotations): void {
  app.get('/v1/admin/rotations', { schema: readSchema }, async () => answerOf(await rotations.read()))
  app.post('/v1/admin/rotations', { schema: startSchema }, async (request) => {
    const { older_than: olderThan, rate_per_minute: ratePerMinute, canary } = request.body
    const order = {
      ...(olderThan === undefined ? {} : { olderThan: momentOf(olderThan) }),
      ...(ratePerMinute === undefined ? {} : { ratePerMinute }),
      ...(canary === undefined ? {} : { canary }),
    }
    return answerOf(await rotations.start(administratorOf(request), order))
  })
  addStep(app, 'pause', (by) => rotations.pause(by))
  addStep(app, 'resume', (by) => rotations.resume(by))
  addStep(app, 'stop', (by) => rotations.stop(by))
}

function addStep(app: App, name: keyof typeof steps, take: (by: Administrator) => Promise<RotationStatus>): void {
  const schema = {
    ...shared,
    operationId: `${name}Rotation`,
    summary: steps[name],
    response: { 200: RotationAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'rotation_unknown') },
  }
  const path = `/v1/admin/rotations/${name}`
  app.post(path, { schema }, async (request) => answerOf(await take(administratorOf(request))))
}

/** A leap second is a time as well, but none that is counted here. */
function momentOf(text: string): Date {
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw new Problem('validation_failed')
  return moment
}

function answerOf({ state, olderThan, rotated, failed, remaining, estimatedEnd }: RotationStatus) {
  const times = { older_than: timeAnswer(olderThan), estimated_end: timeAnswer(estimatedEnd) }
  return { state, rotated, failed: { ...failed }, remaining, ...times }
}
