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

/** Where requests are counted. */
export interface CounterBackend {
  readonly place: 'memory' | 'redis' | 'postgres'
  /** The counters of one limit; `policy` tells limits apart. */
  counters(policy: string, limit: Limit): RateLimiterAbstract
  /** Deletes counters whose window has ended. */
  prune(): Promise<void>
  close(): Promise<void>
}

/** Counts in this process alone. */
export function memoryCounters(): CounterBackend {
  return {
    place: 'memory',
    counters: (policy, limit) => new RateLimiterMemory(optionsOf(policy, limit)),
    prune: async () => {},
    close: async () => {},
  }
}

/** Counts in the database, whose table `server_rate_limits` our own migrations make. */
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

/** Counts in Redis. What cannot be counted at once fails at once. */
export async function redisCounters(options: RedisClientOptions): Promise<CounterBackend> {
  const { createRedisClient } = await import('latchkey/redis')
  const { client: storeClient, close } = createRedisClient(options)
  // A Redis that is there counts from the first request on; one that is away keeps nobody from starting.
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

/** Whoever has used up a limit is refused without asking anybody: a flood costs no query each. */
function refusingInMemory({ requests }: Limit) {
  return { inMemoryBlockOnConsumed: requests }
}
