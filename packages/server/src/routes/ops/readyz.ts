import type { App } from '../../http/app.js'
import { problemAnswer, sendProblem } from '../../http/problem-answer.js'
import { Type } from '../../http/type.js'
import type { Readiness } from '../../ops/readiness.js'
import { routeFailures } from '../failures.js'
import { refusals } from '../refusals.js'

const schema = {
  tags: ['operations'],
  operationId: 'readyz',
  summary: 'Check whether the server is ready to answer requests',
  response: {
    200: Type.Object({
      status: Type.Literal('ok'),
      warnings: Type.Optional(
        Type.Array(Type.String(), { description: 'Problems for the operator; the log has the details.' }),
      ),
    }),
    ...refusals('not_ready'),
  },
}

/** GET /readyz */
export function addReadyz(app: App, readiness: Readiness): void {
  app.get('/readyz', { schema, logLevel: 'warn', config: { limit: 'none' } }, async (request, reply) => {
    const reasons = await readiness.reasons()
    const warnings = [...(await readiness.warnings())]
    if (reasons.length === 0) return { status: 'ok' as const, ...(warnings.length > 0 ? { warnings } : {}) }
    return sendProblem(reply, {
      ...problemAnswer(routeFailures.refusal('not_ready'), { requestId: request.id }),
      reasons,
    })
  })
}
