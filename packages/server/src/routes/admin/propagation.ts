import type { TenantSecrets } from 'latchkey'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, forBody, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'waitForPropagation',
  summary: 'Wait until every process that verifies tokens has acknowledged all changes committed so far',
  description:
    'Send it right after a change. It answers once each process has acknowledged, or its max staleness has passed, ' +
    'after which it accepts no token on older data: 60 s at most. The times begin with the request, just after the ' +
    'commit of the change. They are upper bounds, because acknowledgements are read with pauses of up to 25 ms. It ' +
    'changes nothing.',
  security: byToken,
  response: {
    200: Type.Object({
      verifiers: Type.Integer({ description: 'The processes that verify tokens, this server included.' }),
      acknowledged: Type.Integer({ description: 'Those of them that have acknowledged.' }),
      elapsed_ms: Type.Integer({ description: 'The time after which no process could use older data.' }),
      processes: Type.Array(
        Type.Object({
          id: Type.String({ description: 'The random ID of the process, new for each of its starts.' }),
          acknowledged_ms: Type.Union([
            Type.Integer(),
            Type.Null({ description: 'It has not acknowledged, and its max staleness has passed.' }),
          ]),
        }),
        { description: 'This server first.' },
      ),
    }),
    ...refusals(...forBody, ...forAdmin, 'csrf_refused'),
  },
}

/** POST /v1/admin/propagation */
export function addPropagation(app: App, keys: Pick<TenantSecrets, 'waitForPropagation'>): void {
  app.post('/v1/admin/propagation', { schema, config: { readsOnly: true } }, async () => {
    const { verifiers, acknowledged, elapsedMs, processes } = await keys.waitForPropagation()
    return {
      verifiers,
      acknowledged,
      elapsed_ms: elapsedMs,
      processes: processes.map(({ id, acknowledgedMs }) => ({ id, acknowledged_ms: acknowledgedMs })),
    }
  })
}
