import type { SqlClient } from 'latchkey/sql'
import type { Core } from '../core.js'
import type { Metrics } from '../ops/metrics.js'
import { estimateSecretAges, type SecretAges } from '../ops/secret-ages.js'

/** Counts of the database and of this process. */
export interface Statistics {
  readonly accounts: { readonly total: number; readonly admins: number; readonly disabled: number }
  readonly liveSessions: number
  /** Signing secrets by age; an estimate for more than 2,000. */
  readonly secrets: readonly SecretAges[]
  /** The age of the last proof of freshness by the change feed; `null` before the first one. */
  readonly feedAgeMs: number | null
  /** Tokens accepted since this process started, from memory or after a read. */
  readonly verifications: { readonly memory: number; readonly read: number }
  /** Look-ups in the shared cache; both 0 if there is none. */
  readonly sharedCache: { readonly hits: number; readonly misses: number }
}

/** The core, and the metrics of this process. */
export type StatisticsSources = Pick<Core, 'store' | 'clock'> & {
  readonly keys: Pick<Core['keys'], 'feedAgeMs'>
  readonly metrics: Metrics
}

/** Returns the statistics. It reads all accounts and sessions, so it is not for frequent calls. */
export async function readStatistics({ store, keys, metrics, clock }: StatisticsSources): Promise<Statistics> {
  const nowMs = clock.now()
  const [accounts, liveSessions, secrets] = await Promise.all([
    countAccounts(store),
    countSessions(store, nowMs),
    estimateSecretAges(store, nowMs),
  ])
  return {
    accounts,
    liveSessions,
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
