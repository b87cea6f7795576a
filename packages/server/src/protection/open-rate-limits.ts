import type { Clock } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import { type CounterBackend, memoryCounters, postgresCounters, redisCounters } from './counter-backend.js'
import { FallbackBreaker, type InsuranceLog } from './fallback-breaker.js'
import type { KeyedHash } from './keyed-hash.js'
import { RateLimits } from './rate-limits.js'

/** What rate limits need besides their configuration. */
export interface RateLimitSurroundings {
  readonly store: SqlStore
  readonly names: Pick<KeyedHash, 'of'>
  readonly clock: Clock
  readonly log: InsuranceLog
  /** Milliseconds for an answer of the shared counters. */
  readonly timeoutMs: number | undefined
}

/** The rate limits: counted in Redis where there is one, else in PostgreSQL, and with the embedded database in memory. */
export async function openRateLimits(
  configuration: Configuration,
  { store, names, clock, log, timeoutMs }: RateLimitSurroundings,
): Promise<RateLimits> {
  const backend = await openBackend(configuration, store)
  const insurance = new FallbackBreaker(clock, log, timeoutMs)
  return new RateLimits({ limits: configuration.limits, backend, names, insurance })
}

async function openBackend(
  { redisUrl, authorities, database }: Configuration,
  store: SqlStore,
): Promise<CounterBackend> {
  if (redisUrl !== undefined) return redisCounters({ url: redisUrl, ca: authorities })
  return database.kind === 'postgres' ? postgresCounters(store) : memoryCounters()
}
