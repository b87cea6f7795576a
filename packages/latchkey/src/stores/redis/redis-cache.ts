import { type Cluster, Redis } from 'ioredis'
import { checkWhole } from '../../check-whole.js'
import { systemClock } from '../../clock.js'
import type { SharedCache, SharedCacheEntry } from '../../secrets/ports.js'
import { CircuitBreaker } from './circuit-breaker.js'

/** Options of `redisCache`: either `url` or `client`. */
export interface RedisCacheOptions {
  /** `redis://` or `rediss://` (TLS), with user, password and database as usual. */
  readonly url?: string | undefined
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

  constructor({ url, client, prefix = 'latchkey:', ttl = 600, timeout = 50 }: RedisCacheOptions) {
    this.ttlMs = checkWhole('ttl', ttl, 1, 1800) * 1000
    this.#timeoutMs = checkWhole('timeout', timeout, 1, 10_000)
    this.#prefix = prefix
    if (client !== undefined) {
      this.#client = client
      this.#close = async () => {}
      return
    }
    const connected = connect(String(url))
    this.#client = connected
    this.#close = async () => connected.disconnect()
  }

  async read(kids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const values = await this.#breaker.run(() => within(this.#timeoutMs, this.#readAll(kids)))
    const found = new Map<string, string>()
    for (const [index, kid] of kids.entries()) {
      const kept = values?.[index]
      if (typeof kept === 'string') found.set(kid, kept.slice(kept.indexOf(' ') + 1))
    }
    return found
  }

  async write(entries: readonly SharedCacheEntry[]): Promise<void> {
    await this.#breaker.run(() => within(writeTimeoutMs, Promise.all(entries.map((entry) => this.#writeOne(entry)))))
  }

  close(): Promise<void> {
    return this.#close()
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

const longestReconnectDelayMs = 2000

function connect(url: string): Redis {
  const client = new Redis(url, {
    // A command that cannot be sent now is useless later.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5000,
    retryStrategy: (attempt) => Math.random() * Math.min(longestReconnectDelayMs, 50 * 2 ** attempt),
  })
  // Failures appear as misses. An `error` event without a listener would end the process.
  client.on('error', () => {})
  return client
}
