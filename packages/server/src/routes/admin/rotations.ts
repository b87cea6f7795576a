import type { Administrator } from '../../admin/administrator.js'
import type { RotationStatus, Rotations } from '../../admin/rotations.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { administratorOf } from '../caller.js'
import { momentOf } from '../moment.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const RotationAnswer = Type.Object({
  state: Type.Enum(['rotating', 'paused', 'waiting', 'done', 'stopped'], {
    description: 'waiting: no server runs the rotation now; one will continue it.',
  }),
  older_than: Type.String({
    format: 'date-time',
    description: 'Start with the same value again to continue after a stop.',
  }),
  rotated: Type.Integer(),
  failed: Type.Record(Type.String(), Type.Integer(), {
    description: 'The number of accounts that kept their secret, by code.',
  }),
  remaining: Type.Integer(),
  estimated_end: Type.String({ format: 'date-time' }),
})

const shared = { tags: ['administration'], security: byToken } as const

const startSchema = {
  ...shared,
  operationId: 'startRotation',
  summary: 'Rotate all secrets that are older than a date, at a bounded rate, without ending sessions',
  description:
    'All servers of a database share one rotation at a time. One of them runs it; if that one stops, ' +
    'another continues. Every server accepts requests to control it.',
  body: Type.Object(
    {
      older_than: Type.Optional(
        Type.String({ format: 'date-time', description: 'Default: now, which means every secret.' }),
      ),
      rate_per_minute: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000, description: 'Default: 6000.' })),
      canary: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Pause after this number of accounts.' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: RotationAnswer, ...refusals(...forBody, ...forAdmin, 'csrf_refused', 'rotation_running') },
}

const readSchema = {
  ...shared,
  operationId: 'readRotations',
  summary: 'Read the progress of the last rotation of all secrets',
  response: {
    200: Type.Object({
      rotations: Type.Array(RotationAnswer, { description: 'The last one; empty before the first.' }),
    }),
    ...refusals(...forAdmin),
  },
}

const steps = {
  pause: 'Pause the rotation until it is resumed',
  resume: 'Resume a paused rotation',
  stop: 'Stop the rotation',
} as const

/** GET and POST /v1/admin/rotations · POST /v1/admin/rotations/pause · /resume · /stop */
export function addRotations(app: App, rotations: Rotations): void {
  app.get('/v1/admin/rotations', { schema: readSchema }, async () => ({
    rotations: (await rotations.read()).map(answerOf),
  }))
  app.post('/v1/admin/rotations', { schema: startSchema }, async (request) => {
    const { older_than: olderThan, rate_per_minute: ratePerMinute, canary } = request.body
    const olderThanMs = momentOf(olderThan)
    const order = {
      ...(olderThanMs === undefined ? {} : { olderThan: new Date(olderThanMs) }),
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

function answerOf({ state, olderThan, rotated, failed, remaining, estimatedEnd }: RotationStatus) {
  const times = { older_than: timeAnswer(olderThan), estimated_end: timeAnswer(estimatedEnd) }
  return { state, rotated, failed: { ...failed }, remaining, ...times }
}
