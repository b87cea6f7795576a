import type { Core } from '../core.js'
import type { Metrics } from '../ops/metrics.js'
import { estimateSecretAges, type SecretAges } from '../ops/secret-ages.js'
import type { DatabaseCounts, DatedCounts } from './database-counts.js'

/** Counts of the database and of this process. */
export interface Statistics extends DatedCounts {
  /** Signing secrets by age; an estimate for more than 2,000. */
  readonly secrets: readonly SecretAges[]
  /** The age of the last proof of freshness by the change feed; `null` before the first one. */
  readonly feedAgeMs: number | null
  /** Tokens accepted since this process started, from memory or after a read. */
  readonly verifications: { readonly memory: number; readonly read: number }
  /** Look-ups in the shared cache; both 0 if there is none. */
  readonly sharedCache: { readonly hits: number; readonly misses: number }
}

/** The core, the counts, and the metrics of this process. */
export type StatisticsSources = Pick<Core, 'store' | 'clock'> & {
  readonly counts: Pick<DatabaseCounts, 'read'>
  readonly keys: Pick<Core['keys'], 'feedAgeMs'>
  readonly metrics: Metrics
}

/** Returns the statistics. */
export async function readStatistics({ store, counts, keys, metrics, clock }: StatisticsSources): Promise<Statistics> {
  const [counted, secrets] = await Promise.all([counts.read(), estimateSecretAges(store, clock.now())])
  return {
    ...counted,
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
