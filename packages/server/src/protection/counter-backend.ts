import { once } from 'node:events'
import type { RedisClientOptions } from 'latchkey/redis'
import type { SqlStore } from 'latchkey/sql'

/** Requests to add to one counter. */
export interface CounterUse {
  readonly key: string
  readonly count: number
  /** The length of a new window in milliseconds, if the current one has ended. */
  readonly windowMs: number
}

/** A counter after an addition. */
export interface CounterTotal {
  /** The requests of all processes in the current window. */
  readonly total: number
  /** Milliseconds until the window ends. */
  readonly endsInMs: number
}

/** The counters that all processes share. */
export interface CounterBackend {
  /**
   * Adds to several counters in one round trip, and returns each of them in the order of the uses.
   * The keys are distinct.
   */
  add(uses: readonly CounterUse[]): Promise<readonly CounterTotal[]>
  /** Deletes counters whose window has ended. */
  prune(): Promise<void>
  close(): Promise<void>
}

/** The greatest count that the column holds, with room for one more batch. */
const maxPoints = 2_000_000_000

// One clock for all processes: that of the database.
const nowMs = 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)'

// Ordered, so that two batches lock their rows in the same order and cannot deadlock.
const addUses = `
  insert into server_rate_limits as counter (key, points, expire)
  select key, points, ${nowMs} + window_ms
  from json_to_recordset(cast($1 as json)) as used (key text, points integer, window_ms bigint) order by key
  on conflict (key) do update set
    points = case when counter.expire > ${nowMs} then least(counter.points, ${maxPoints}) else 0 end + excluded.points,
    expire = case when counter.expire > ${nowMs} then counter.expire else excluded.expire end
  returning key, points as total, greatest(0, expire - ${nowMs}) as "endsInMs"`

/** Returns counters in PostgreSQL, in a table of the server's migrations. */
export function postgresCounters(store: SqlStore): CounterBackend {
  return {
    add: async (uses) => {
      const rows = uses.map(({ key, count, windowMs }) => ({ key, points: count, window_ms: windowMs }))
      const answer = await store.query<CounterTotal & { key: string }>(addUses, [JSON.stringify(rows)])
      const totals = new Map(answer.rows.map((row) => [row.key, row]))
      return uses.map((use) => totals.get(use.key) ?? { total: use.count, endsInMs: use.windowMs })
    },
    prune: async () => {
      // It waits for no locked row, so that it cannot be part of a deadlock with a batch.
      await store.query(
        `delete from server_rate_limits where key in (
           select key from server_rate_limits where expire < ${nowMs} for update skip locked)`,
      )
    },
    close: async () => {},
  }
}

const readyWithinMs = 1000

const addUse = `
  local total = redis.call('incrby', KEYS[1], ARGV[1])
  local ends = redis.call('pttl', KEYS[1])
  if ends < 0 then
    redis.call('pexpire', KEYS[1], ARGV[2])
    ends = tonumber(ARGV[2])
  end
  return {total, ends}`

/** Resolves to counters in Redis. A count fails at once while Redis is unavailable. */
export async function redisCounters(options: RedisClientOptions): Promise<CounterBackend> {
  const { createRedisClient } = await import('latchkey/redis')
  const { client, close } = createRedisClient(options)
  // An available Redis counts from the first request on; an unavailable one does not block the
  // start.
  await once(client, 'ready', { signal: AbortSignal.timeout(readyWithinMs) }).catch(() => {})
  return {
    add: async (uses) => {
      // One call per key, because the keys of a script must be in one slot of a cluster.
      const calls = uses.map(({ key, count, windowMs }) => [
        'eval',
        addUse,
        1,
        `latchkey:limit:${key}`,
        count,
        windowMs,
      ])
      const answers = (await client.pipeline(calls).exec()) ?? []
      return uses.map((_, index) => totalOf(answers[index]))
    },
    prune: async () => {},
    close: async () => close(),
  }
}

function totalOf([error, answer]: readonly [Error | null, unknown] = [null, undefined]): CounterTotal {
  if (error !== null) throw error
  if (!Array.isArray(answer)) throw new TypeError('Redis has returned no counter.')
  const [total, endsInMs] = answer.map(Number)
  return { total: total ?? 0, endsInMs: endsInMs ?? 0 }
}
