import type { StatisticsSources } from '../../admin/statistics.js'
import { readStatistics } from '../../admin/statistics.js'
import type { App } from '../../http/app.js'
import { Type } from '../../http/type.js'
import { timeAnswer } from '../answers.js'
import { forAdmin, refusals } from '../refusals.js'
import { byToken } from '../schemas.js'

const count = (description?: string) => Type.Integer(description === undefined ? {} : { description })

const schema = {
  tags: ['administration'],
  operationId: 'readStats',
  summary: 'Read counts of accounts, sessions and secrets, and the state of this server',
  security: byToken,
  response: {
    200: Type.Object({
      accounts: Type.Object({ total: count(), admins: count(), disabled: count() }),
      living_sessions: count(),
      counted_at: Type.String({
        format: 'date-time',
        description: 'When accounts and sessions were counted; with 2,000 rows or more, up to an hour ago.',
      }),
      secrets: Type.Array(
        Type.Object({
          age: Type.String({ description: 'The maximum age of these secrets; "older" for the rest.' }),
          count: count(),
        }),
      ),
      feed_age_ms: Type.Union([count('The time since the last check that the change feed is complete.'), Type.Null()]),
      verifications: Type.Object(
        { memory: count(), read: count() },
        { description: 'Tokens accepted since this server started: from memory, or after a read.' },
      ),
      shared_cache: Type.Object({ hits: count(), misses: count() }),
    }),
    ...refusals(...forAdmin),
  },
}

/** GET /v1/admin/stats */
export function addReadStats(app: App, statistics: StatisticsSources): void {
  app.get('/v1/admin/stats', { schema }, async () => {
    const found = await readStatistics(statistics)
    return {
      accounts: found.accounts,
      living_sessions: found.liveSessions,
      counted_at: timeAnswer(found.countedAt),
      secrets: [...found.secrets],
      feed_age_ms: found.feedAgeMs,
      verifications: found.verifications,
      shared_cache: found.sharedCache,
    }
  })
}
