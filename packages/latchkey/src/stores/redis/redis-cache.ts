import type { Cluster, Redis } from 'ioredis'
import { type CacheCall, cacheCalls } from '../../channels.js'
import { checkWhole } from '../../check-whole.js'
import { systemClock } from '../../clock.js'
import type { SharedCache, SharedCacheEntry } from '../../secrets/ports.js'
import { clearTimeout, setImmediate, setTimeout } from '../../timers.js'
import { CircuitBreaker } from './circuit-breaker.js'
import { createRedisClient, type RedisClientOptions } from './redis-client.js'

/** Options of `redisCache`: either `url` or `client`. */
export interface RedisCacheOptions {
  /**
   * `redis://` or `rediss://` (TLS), with user, password and database as usual. A function is
   * called before every connection, so that it can return a rotated password.
   */
  readonly url?: RedisClientOptions['url'] | undefined
  /**
   * Returns the certificates, in PEM, of the authorities for a `rediss://` server of `url`.
   *
   * @defaultValue the authorities that Node.js trusts
   */
  readonly ca?: RedisClientOptions['ca']
  /**
   * A client of `ioredis` for a single server or a cluster. Close the client yourself, after this
   * cache.
   */
  readonly client?: Redis | Cluster
  /**
   * The prefix of every key in Redis.
   *
   * @defaultValue `latchkey:`
   */
  readonly prefix?: string
  /**
   * Seconds for which an entry is kept, 1 to 1800. Up to a tenth less at random, so that entries do
   * not expire at the same time.
   *
   * @defaultValue 600
   */
  readonly ttl?: number
  /**
   * Milliseconds to wait for a response of Redis, 1 to 10,000. A later response counts as a miss.
   *
   * @defaultValue 50
   */
  readonly timeout?: number
}

/**
 * Returns a shared cache in Redis for sealed tenants of many processes. Needs the package
 * `ioredis`.
 *
 * Redis is not trusted, and may be slow, unavailable, emptied or rolled back: a failure costs one
 * `timeout`, then nothing while the circuit breaker is open, and never a wrong answer. Keys are
 * independent, so that a cluster spreads them.
 *
 * @throws TypeError if neither or both of `url` and `client` are given, or if `ttl` or `timeout` is
 * out of range
 * @example
 * ```ts
 * import { tenantSecrets } from 'latchkey'
 * import { postgresStore } from 'latchkey/postgres'
 * import { redisCache } from 'latchkey/redis'
 *
 * const keys = tenantSecrets({
 *   store: postgresStore({ connectionString: process.env.DATABASE_URL }),
 *   masterKeys: process.env.LATCHKEY_MASTER_KEYS,
 *   cache: redisCache({ url: process.env.REDIS_URL }),
 * })
 * ```
 */
export function redisCache(options: RedisCacheOptions): SharedCache {
  const { url, client } = options
  if ((url === undefined) === (client === undefined)) {
    throw new TypeError('redisCache needs url or client, and not both.')
  }
  return new RedisCache(options)
}

/**
 * Does not replace a newer version: reads and writes of several processes arrive in any order (C6).
 */
const writeIfNewer = `
local kept = redis.call('get', KEYS[1])
if kept and tonumber(string.match(kept, '^%d+')) > tonumber(ARGV[1]) then return 0 end
redis.call('set', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'px', ARGV[3])
return 1`

/** No request waits for a write, so its timeout is longer. */
const writeTimeoutMs = 1000

class RedisCache implements SharedCache {
  readonly ttlMs: number
  readonly #client: Redis | Cluster
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #breaker = new CircuitBreaker(systemClock)
  readonly #close: () => Promise<void>

  constructor({ url = '', ca, client, prefix = 'latchkey:', ttl = 600, timeout = 50 }: RedisCacheOptions) {
    this.ttlMs = checkWhole('ttl', ttl, 1, 1800) * 1000
    this.#timeoutMs = checkWhole('timeout', timeout, 1, 10_000)
    this.#prefix = prefix
    if (client !== undefined) {
      this.#client = client
      this.#close = async () => {}
      return
    }
    const own = createRedisClient({ url, ca })
    this.#client = own.client
    this.#close = async () => own.close()
  }

  async read(kids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = await this.#observed('read', kids.length, async () => {
      const values = await this.#breaker.run(() => within(this.#timeoutMs, this.#readAll(kids)))
      return values === undefined ? undefined : valuesByKid(kids, values)
    })
    return found ?? new Map()
  }

  async write(entries: readonly SharedCacheEntry[]): Promise<void> {
    const writeAll = async () => {
      await Promise.all(entries.map((entry) => this.#writeOne(entry)))
      return new Map<string, string>()
    }
    await this.#observed('write', 0, () => this.#breaker.run(() => within(writeTimeoutMs, writeAll())))
  }

  close(): Promise<void> {
    return this.#close()
  }

  /**
   * Resolves with `undefined` where Redis was not asked or did not answer. `asked`: the number of
   * kids to read.
   */
  async #observed(
    operation: CacheCall['operation'],
    asked: number,
    work: () => Promise<Map<string, string> | undefined>,
  ): Promise<Map<string, string> | undefined> {
    const call: CacheCall = { source: this, system: 'redis', operation }
    try {
      if (!cacheCalls.isObserved) return await work()
      return await cacheCalls.observe(call, work, ({ result, failure, durationMs }) => {
        const outcome = failure !== undefined ? 'failed' : result === undefined ? 'skipped' : 'done'
        const hits = result?.size ?? 0
        return { ...call, outcome, durationMs, hits, misses: asked - hits }
      })
    } catch {
      return undefined
    }
  }

  #readAll(kids: readonly string[]): Promise<(string | null)[]> {
    const keys = kids.map((kid) => this.#prefix + kid)
    // The keys of a cluster are on several servers, and `MGET` reads from one.
    if (this.#client.isCluster) return Promise.all(keys.map((key) => this.#client.get(key)))
    return this.#client.mget(keys)
  }

  async #writeOne({ kid, version, value }: SharedCacheEntry): Promise<void> {
    const ttlMs = Math.round(this.ttlMs * (1 - Math.random() / 10))
    await this.#client.eval(writeIfNewer, 1, this.#prefix + kid, version, value, ttlMs)
  }
}

function valuesByKid(kids: readonly string[], values: readonly (string | null)[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const [index, kid] of kids.entries()) {
    const kept = values[index]
    if (typeof kept === 'string') found.set(kid, kept.slice(kept.indexOf(' ') + 1))
  }
  return found
}

/** Rejects after `timeoutMs`: the client may wait for ever. */
function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('Redis did not answer in time.'))
    // If this process was busy, the response may be unread in the socket: one turn of the event
    // loop reads it.
    const timer = setTimeout(() => setImmediate(fail), timeoutMs)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
