import { once } from 'node:events'
import type { RedisClientOptions } from 'latchkey/redis'
import type { SqlStore } from 'latchkey/sql'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
} from 'rate-limiter-flexible'
import type { Limit } from '../config/limits.js'

/** A place to count requests in. */
export interface CounterBackend {
  readonly place: 'memory' | 'redis' | 'postgres'
  /** Returns the counters of one limit. `policy` is the name of the limit. */
  counters(policy: string, limit: Limit): RateLimiterAbstract
  /** Deletes counters whose window has ended. */
  prune(): Promise<void>
  close(): Promise<void>
}

/** Returns counters in the memory of this process. */
export function memoryCounters(): CounterBackend {
  return {
    place: 'memory',
    counters: (policy, limit) => new RateLimiterMemory(optionsOf(policy, limit)),
    prune: async () => {},
    close: async () => {},
  }
}

/** Returns counters in PostgreSQL, in a table of the server's migrations. */
export function postgresCounters(store: SqlStore): CounterBackend {
  const storeClient = {
    query: ({ text, values }: { text: string; values: readonly unknown[] }) => store.query(text, values),
  }
  return {
    place: 'postgres',
    counters: (policy, limit) =>
      new RateLimiterPostgres({
        ...optionsOf(policy, limit),
        ...refusingInMemory(limit),
        storeClient,
        storeType: 'client',
        tableName: 'server_rate_limits',
        tableCreated: true,
        clearExpiredByTimeout: false,
      }),
    prune: async () => {
      await store.query('delete from server_rate_limits where expire < $1', [Date.now()])
    },
    close: async () => {},
  }
}

const readyWithinMs = 1000

/** Resolves to counters in Redis. A count fails at once while Redis is unavailable. */
export async function redisCounters(options: RedisClientOptions): Promise<CounterBackend> {
  const { createRedisClient } = await import('latchkey/redis')
  const { client: storeClient, close } = createRedisClient(options)
  // An available Redis counts from the first request on; an unavailable one does not block the
  // start.
  await once(storeClient, 'ready', { signal: AbortSignal.timeout(readyWithinMs) }).catch(() => {})
  return {
    place: 'redis',
    counters: (policy, limit) =>
      new RateLimiterRedis({
        ...optionsOf(`latchkey:limit:${policy}`, limit),
        ...refusingInMemory(limit),
        storeClient,
      }),
    prune: async () => {},
    close: async () => close(),
  }
}

function optionsOf(keyPrefix: string, { requests, windowSec }: Limit) {
  return { keyPrefix, points: requests, duration: windowSec }
}

/** Refuses from memory after the limit is used up, so that a flood causes no queries. */
function refusingInMemory({ requests }: Limit) {
  return { inMemoryBlockOnConsumed: requests }
}
