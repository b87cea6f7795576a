import { healthParts, type ServerHealth } from '../../admin/server-health.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { forAdmin, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const schema = {
  tags: ['administration'],
  operationId: 'readHealth',
  summary: 'Read the health of the server and of what it depends on, in words',
  description:
    'The checks of "latchkey doctor" that a running server can make. Results are up to three ' +
    'seconds old, and that of the mail server up to a minute. No answer contains a secret.',
  security: byToken,
  response: {
    200: Type.Object({
      parts: Type.Array(
        Type.Object({
          name: Type.Enum([...healthParts]),
          state: Type.Enum(['ok', 'degraded', 'down'], {
            description: 'degraded: it works, but needs attention.',
          }),
          summary: Type.String({ description: 'The state, for people.' }),
          advice: Type.String({ description: 'The next step, for people; empty with ok.' }),
        }),
      ),
    }),
    ...refusals(...forAdmin),
  },
}

/** GET /v1/admin/health */
export function addReadHealth(app: App, health: ServerHealth): void {
  app.get('/v1/admin/health', { schema }, async () => ({ parts: [...(await health.read())] }))
}
