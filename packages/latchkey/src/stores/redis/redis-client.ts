import { Redis } from 'ioredis'
import { clearTimeout, setTimeout } from '../../timers.js'

/** Options of `createRedisClient`. */
export interface RedisClientOptions {
  /**
   * `redis://` or `rediss://` (TLS), with user, password and database as usual. A function is
   * called before every connection, so that it may return a password that was rotated.
   */
  readonly url: string | (() => string | Promise<string>)
  /**
   * Returns the certificates, in PEM, of the authorities that a `rediss://` server may be signed
   * by. It is called before every connection. Default: those that Node.js trusts.
   */
  readonly ca?: (() => readonly string[]) | undefined
}

/** A client of `ioredis` that connects by itself until it is closed. */
export interface RedisClient {
  readonly client: Redis
  /** Disconnects for good. */
  close(): void
}

const longestReconnectDelayMs = 2000

/** A command that cannot be sent now is not worth sending later. */
const settings = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 5000,
  lazyConnect: true,
  retryStrategy: () => null,
  // A login that was revoked under an open connection: the next connection takes the current one.
  reconnectOnError: (error: Error) => isLoginRefused(error),
}

/**
 * Connects to Redis, and connects again with growing delays whenever the connection ends or the
 * login is refused. The URL is read anew for each connection. Commands fail at once while there is
 * no connection.
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises'
 * import { createRedisClient, redisCache } from 'latchkey/redis'
 *
 * const url = () => readFile('/run/secrets/redis-url', 'utf8')
 * const { client, close } = createRedisClient({ url })
 * const cache = redisCache({ client })
 * ```
 */
export function createRedisClient(options: RedisClientOptions): RedisClient {
  const connection = new ReconnectingClient(options)
  return { client: connection.client, close: () => connection.close() }
}

class ReconnectingClient {
  readonly client = new Redis(settings)
  readonly #options: RedisClientOptions
  #attempts = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: RedisClientOptions) {
    this.#options = options
    // Every failure shows in a command; without a listener one would end the process.
    this.client.on('error', () => {})
    this.client.on('ready', () => {
      this.#attempts = 0
    })
    this.client.on('end', () => this.#reconnect())
    // From "wait", in which the first command would connect by the default URL, to "end".
    this.client.disconnect()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.client.disconnect()
  }

  #reconnect(): void {
    if (this.#closed) return
    const delayMs = Math.random() * Math.min(longestReconnectDelayMs, 50 * 2 ** this.#attempts)
    const isFirst = this.#attempts === 0
    this.#attempts += 1
    this.#timer = setTimeout(() => void this.#connect(), isFirst ? 0 : delayMs)
  }

  async #connect(): Promise<void> {
    const { url, ca } = this.#options
    try {
      const current = typeof url === 'function' ? await url() : url
      if (this.#closed) return
      Object.assign(this.client.options, connectionOptions(current.trim(), ca?.()))
    } catch {
      this.#reconnect()
      return
    }
    // A failure ends the client, which emits "end".
    await this.client.connect().catch(() => {})
  }
}

/**
 * Returns what `ioredis` reads in the URL; a client that never connects is its only public parser.
 */
function connectionOptions(url: string, ca: readonly string[] | undefined) {
  const { options } = new Redis(url, settings)
  if (options.tls === undefined || ca === undefined) return { ...options, tls: options.tls }
  return { ...options, tls: { ca: [...ca] } }
}

/** The password is wrong, or there was none, or the user is gone. */
function isLoginRefused({ message }: Error): boolean {
  return /^(WRONGPASS|NOAUTH)\b/.test(message)
}
