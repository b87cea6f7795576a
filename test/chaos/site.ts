import { Keyring } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { type PostgresServer, startPostgres } from '../support/start-postgres.js'
import { type RedisServer, startRedis } from '../support/start-redis.js'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js'
import { createDatabase } from '../support/test-database.js'
import { witness } from './history.js'
import type { Plant, VerifierSetup } from './messages.js'
import { VerifierProcess } from './verifier-process.js'

/** The options of a site. */
export interface SiteOptions {
  readonly processes: number
  readonly withRedis: boolean
  readonly maxStalenessMs: number
  readonly plant?: Plant | undefined
}

/**
 * A place for a verifier process, with separate proxies to PostgreSQL, to its feed and to Redis.
 * The process may be replaced.
 */
export class Post {
  readonly database: TcpProxy
  readonly feed: TcpProxy
  readonly redis: TcpProxy | undefined
  readonly name: string
  readonly #setup: VerifierSetup
  #process: VerifierProcess | undefined
  #starts = 0

  constructor(name: string, proxies: Pick<Post, 'database' | 'feed' | 'redis'>, setup: VerifierSetup) {
    this.name = name
    this.database = proxies.database
    this.feed = proxies.feed
    this.redis = proxies.redis
    this.#setup = setup
  }

  get process(): VerifierProcess {
    if (this.#process === undefined) throw new Error('The post has no process yet.')
    return this.#process
  }

  /** Replaces the process of this post with a new one. */
  async restart(): Promise<void> {
    await this.#end()
    this.#starts += 1
    this.#process = await VerifierProcess.start({ post: this.name, start: this.#starts }, this.#setup)
  }

  async close(): Promise<void> {
    await this.#end()
    await Promise.all([this.database, this.feed, this.redis].map((proxy) => proxy?.close()))
  }

  async #end(): Promise<void> {
    await this.#process?.kill()
    if (this.#process?.hasDied) throw new Error(`${this.#process.name} ended by itself.`)
  }
}

/** A PostgreSQL, optionally a Redis, and verifiers, all real processes. */
export class Site {
  readonly options: SiteOptions
  readonly postgres: PostgresServer
  readonly redis: RedisServer | undefined
  readonly posts: readonly Post[]
  readonly #setup: VerifierSetup

  private constructor(options: SiteOptions, setup: VerifierSetup, parts: Pick<Site, 'postgres' | 'redis' | 'posts'>) {
    this.options = options
    this.#setup = setup
    this.postgres = parts.postgres
    this.redis = parts.redis
    this.posts = parts.posts
  }

  static async open(options: SiteOptions): Promise<Site> {
    const postgres = await startPostgres()
    const redis = options.withRedis ? await startRedis() : undefined
    const { url } = await createDatabase(postgres.url)
    const store = postgresStore({ connectionString: url })
    await store.migrate()
    await store.close()
    const setup: VerifierSetup = {
      databaseUrl: url,
      listenUrl: url,
      redisUrl: undefined,
      masterKeys: Keyring.generate('chaos'),
      maxStalenessMs: options.maxStalenessMs,
      plant: options.plant,
    }
    const posts = await Promise.all(
      Array.from({ length: options.processes }, (_, at) => openPost(`p${at}`, setup, redis?.url)),
    )
    const site = new Site(options, setup, { postgres, redis, posts })
    await Promise.all(posts.map((post) => post.restart()))
    return site
  }

  /** The URL of the database without a proxy, which no fault affects. */
  get databaseUrl(): string {
    return this.#setup.databaseUrl
  }

  /**
   * Starts a new verifier that reads only the database and has no planted bug, so that its answers
   * show the stored state.
   */
  startWitness(): Promise<VerifierProcess> {
    return VerifierProcess.start({ post: witness }, { ...this.#setup, plant: undefined })
  }

  async close(): Promise<void> {
    await Promise.all(this.posts.map((post) => post.close()))
    await Promise.all([this.postgres.dispose(), this.redis?.dispose()])
  }
}

async function openPost(name: string, setup: VerifierSetup, redisUrl: string | undefined): Promise<Post> {
  const [database, feed, redis] = await Promise.all([
    startTcpProxy(setup.databaseUrl),
    startTcpProxy(setup.listenUrl),
    redisUrl === undefined ? undefined : startTcpProxy(redisUrl),
  ])
  return new Post(
    name,
    { database, feed, redis },
    { ...setup, databaseUrl: database.url, listenUrl: feed.url, redisUrl: redis?.url },
  )
}
