import { Keyring } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { type PostgresServer, startPostgres } from '../support/start-postgres.js'
import { type RedisServer, startRedis } from '../support/start-redis.js'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js'
import { createDatabase } from '../support/test-database.js'
import { nowMs } from './clock.js'
import { type Failover, type KeptChange, witness } from './history.js'
import type { Plant, VerifierSetup } from './messages.js'
import { VerifierProcess } from './verifier-process.js'

/** The options of a site. */
export interface SiteOptions {
  readonly processes: number
  readonly withRedis: boolean
  readonly maxStalenessMs: number
  /** The bug of the process at each post; none where it is absent. */
  readonly plants?: readonly (Plant | undefined)[]
}

/** The server writes commits that do not wait for the disk only with the next one that does. */
const settings = ['wal_writer_delay=10000']

/** Records every change that is committed, because the log itself is pruned. */
const recordOfCommits = `
  create table committed_changes (tenant text not null, at double precision not null);
  create function record_change() returns trigger language plpgsql as $$
    begin
      insert into committed_changes values (new.tenant_id, extract(epoch from clock_timestamp()) * 1000);
      return null;
    end $$;
  create trigger record_change after insert on latchkey_changes for each row execute function record_change();
  alter role postgres set synchronous_commit to off`

/**
 * A place for a verifier process, with separate proxies for its statements, for its wake-ups and to
 * Redis.
 * The process may be replaced.
 */
export class Post {
  /** To the connections of all statements. */
  readonly database: TcpProxy
  /** To the connection that listens. */
  readonly wakeUps: TcpProxy
  readonly redis: TcpProxy | undefined
  readonly name: string
  readonly #setup: VerifierSetup
  #process: VerifierProcess | undefined
  #starts = 0

  constructor(name: string, proxies: Pick<Post, 'database' | 'wakeUps' | 'redis'>, setup: VerifierSetup) {
    this.name = name
    this.database = proxies.database
    this.wakeUps = proxies.wakeUps
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
    await Promise.all([this.database, this.wakeUps, this.redis].map((proxy) => proxy?.close()))
  }

  async #end(): Promise<void> {
    await this.#process?.kill()
    if (this.#process?.hasDied) throw new Error(`${this.#process.name} ended by itself.`)
  }
}

/** A PostgreSQL, optionally a Redis, and verifiers, all real processes. */
export class Site {
  readonly options: SiteOptions
  /** The server that is the primary, or becomes it again. */
  postgres: PostgresServer
  readonly failovers: Failover[] = []
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
    const postgres = await startPostgres(undefined, settings)
    const redis = options.withRedis ? await startRedis() : undefined
    const { url } = await createDatabase(postgres.url)
    const store = postgresStore({ connectionString: url })
    await store.migrate()
    await store.close()
    await postgres.run(recordOfCommits, url)
    const setup: VerifierSetup = {
      databaseUrl: url,
      listenUrl: url,
      redisUrl: undefined,
      masterKeys: Keyring.generate('chaos'),
      maxStalenessMs: options.maxStalenessMs,
      plant: undefined,
    }
    const posts = await Promise.all(
      Array.from({ length: options.processes }, (_, at) =>
        openPost(`p${at}`, { ...setup, plant: options.plants?.[at] }, redis?.url),
      ),
    )
    const site = new Site(options, setup, { postgres, redis, posts })
    await Promise.all(posts.map((post) => post.restart()))
    return site
  }

  /** The URL of the database without a proxy, which no fault affects. */
  get databaseUrl(): string {
    return this.urlOn(this.postgres)
  }

  /** Returns the URL of the database on this server. */
  urlOn(server: PostgresServer): string {
    const url = new URL(server.url)
    url.pathname = new URL(this.#setup.databaseUrl).pathname
    return url.href
  }

  /** Returns the changes that the database holds, and that were made since this time. */
  async changesSince(sinceMs: number): Promise<readonly KeptChange[]> {
    const aheadMs = Date.now() - nowMs()
    const text = `select tenant, at from committed_changes where at >= ${sinceMs + aheadMs}`
    const rows = await this.postgres.run(text, this.databaseUrl)
    return rows.map(({ tenant, at }) => ({ tenant: String(tenant), at: Number(at) - aheadMs }))
  }

  /**
   * Starts a new verifier that reads only the database and has no planted bug, so that its answers
   * show the stored state.
   */
  startWitness(): Promise<VerifierProcess> {
    return VerifierProcess.start(
      { post: witness },
      { ...this.#setup, databaseUrl: this.databaseUrl, listenUrl: this.databaseUrl },
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.posts.map((post) => post.close()))
    await Promise.all([this.postgres.dispose(), this.redis?.dispose()])
  }
}

async function openPost(name: string, setup: VerifierSetup, redisUrl: string | undefined): Promise<Post> {
  const [database, wakeUps, redis] = await Promise.all([
    startTcpProxy(setup.databaseUrl),
    startTcpProxy(setup.listenUrl),
    redisUrl === undefined ? undefined : startTcpProxy(redisUrl),
  ])
  return new Post(
    name,
    { database, wakeUps, redis },
    { ...setup, databaseUrl: database.url, listenUrl: wakeUps.url, redisUrl: redis?.url },
  )
}
