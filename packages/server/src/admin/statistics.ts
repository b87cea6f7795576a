import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { Metrics } from '../ops/metrics.js'
import { estimateSecretAges, type SecretAges } from '../ops/secret-ages.js'

/** What `readStatistics` works with. */
export interface StatisticsParts {
  readonly store: SqlStore
  readonly keys: Pick<TenantSecrets<SqlClient>, 'feedAgeMs'>
  readonly metrics: Metrics
  readonly clock: Clock
}

/** How things stand: in the database for all servers, and in this process. */
export interface Statistics {
  readonly accounts: { readonly total: number; readonly admins: number; readonly disabled: number }
  readonly livingSessions: number
  /** Secrets that sign, by age; estimated where there are more than 2,000. */
  readonly secrets: readonly SecretAges[]
  /** `null` while the feed vouches for nothing. */
  readonly feedAgeMs: number | null
  /** Tokens that were accepted since this process began, by what had to be read for it. */
  readonly verifications: { readonly memory: number; readonly read: number }
  /** What the shared cache was asked for; both 0 where there is none. */
  readonly sharedCache: { readonly hits: number; readonly misses: number }
}

/** Counts. It reads all accounts and sessions, so it is for now and then. */
export async function readStatistics({ store, keys, metrics, clock }: StatisticsParts): Promise<Statistics> {
  const nowMs = clock.now()
  const [accounts, livingSessions, secrets] = await Promise.all([
    countAccounts(store),
    countSessions(store, nowMs),
    estimateSecretAges(store, nowMs),
  ])
  return {
    accounts,
    livingSessions,
    secrets,
    feedAgeMs: Number.isFinite(keys.feedAgeMs) ? Math.round(keys.feedAgeMs) : null,
    ...(await levelsOf(metrics)),
  }
}

async function levelsOf(metrics: Metrics): Promise<Pick<Statistics, 'verifications' | 'sharedCache'>> {
  const verified = (await metrics.verifications.get()).values.filter(({ labels }) => labels.outcome === 'accepted')
  const cached = (await metrics.cacheEntries.get()).values
  const at = (level: string) => sum(verified.filter(({ labels }) => labels.level === level))
  const of = (result: string) => sum(cached.filter(({ labels }) => labels.result === result))
  return {
    verifications: { memory: at('memory'), read: at('read') },
    sharedCache: { hits: of('hit'), misses: of('miss') },
  }
}

function sum(values: readonly { readonly value: number }[]): number {
  return values.reduce((total, { value }) => total + value, 0)
}

async function countAccounts(client: SqlClient): Promise<Statistics['accounts']> {
  const { rows } = await client.query<Record<string, number | string>>(
    `select count(*) as total, count(case when role = 'admin' then 1 end) as admins, count(disabled_at) as disabled
     from server_accounts`,
  )
  const [counts = {}] = rows
  return { total: Number(counts.total), admins: Number(counts.admins), disabled: Number(counts.disabled) }
}

async function countSessions(client: SqlClient, nowMs: number): Promise<number> {
  const { rows } = await client.query<{ count: number | string }>(
    'select count(*) as count from server_sessions where ended_at is null and expires_at > $1',
    [nowMs],
  )
  return Number(rows[0]?.count)
}
