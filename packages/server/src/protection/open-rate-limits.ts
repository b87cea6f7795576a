import type { SqlStore } from 'latchkey/sql'
import type { Configuration } from '../config/configuration.js'
import type { Core } from '../core.js'
import { type CounterBackend, postgresCounters, redisCounters } from './counter-backend.js'
import { type BreakerLog, FallbackBreaker } from './fallback-breaker.js'
import type { ProtectionDomain } from './open-protection.js'
import { RateLimits } from './rate-limits.js'

/** Options of `openRateLimits`. */
export interface RateLimitOptions {
  readonly log: BreakerLog
  /** Time limit of the shared counters. @defaultValue 250 */
  readonly timeoutMs: number | undefined
}

/**
 * Opens the rate limits: counted in Redis if it is configured, else in PostgreSQL, or in memory
 * with the embedded database.
 */
export async function openRateLimits(
  { store, clock, names }: Pick<Core & ProtectionDomain, 'store' | 'clock' | 'names'>,
  configuration: Configuration,
  { log, timeoutMs }: RateLimitOptions,
): Promise<RateLimits> {
  const backend = await openBackend(configuration, store)
  const breaker = new FallbackBreaker(clock, log, timeoutMs)
  return new RateLimits(configuration.limits, { names, clock, backend, breaker })
}

async function openBackend(
  { redisUrl, authorities, database }: Configuration,
  store: SqlStore,
): Promise<CounterBackend | undefined> {
  if (redisUrl !== undefined) return redisCounters({ url: redisUrl, ca: authorities })
  return database.kind === 'postgres' ? postgresCounters(store) : undefined
}
