import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Keyring } from 'latchkey'
import { freePort } from '../../support/free-port.js'
import { runCommand, type ServerProcess, startServer } from '../../support/server-process.js'
import { type PostgresServer, startPostgres } from '../../support/start-postgres.js'
import { type RedisServer, startRedis } from '../../support/start-redis.js'
import { type NginxProcess, startNginx } from '../support/start-nginx.js'

const nginxFile = fileURLToPath(new URL('../../../deploy/compose/nginx.conf', import.meta.url))
const newerVersion = new URL('./newer-version.mjs', import.meta.url).href
const unlimited = 1_000_000_000

/** The two versions of a roll. */
export type Version = 'old' | 'new'

/** Options of a site. */
export interface RollSiteOptions {
  readonly servers: number
  /** The SQL that the new version adds to the schema. */
  readonly migration: string
  readonly maxStalenessMs: number
}

/**
 * Servers of one deployment behind nginx, with PostgreSQL and Redis: all real processes on this
 * machine.
 */
export class RollSite {
  readonly url: string
  readonly servers: ServerProcess[] = []
  readonly #postgres: PostgresServer
  readonly #redis: RedisServer
  readonly #env: Readonly<Record<string, string>>
  readonly #migration: string
  #nginx: NginxProcess | undefined

  private constructor(
    port: number,
    { postgres, redis }: { postgres: PostgresServer; redis: RedisServer },
    { migration, maxStalenessMs }: RollSiteOptions,
  ) {
    this.url = `http://127.0.0.1:${port}`
    this.#postgres = postgres
    this.#redis = redis
    this.#migration = migration
    this.#env = {
      PORT: '0',
      LATCHKEY_ISSUER: 'https://auth.test',
      LATCHKEY_MASTER_KEYS: Keyring.generate('k1'),
      LATCHKEY_MAX_STALENESS: String(maxStalenessMs),
      LATCHKEY_LIMIT_REGISTER: `address:${unlimited}/60`,
      LATCHKEY_LIMIT_LOGIN: `address:${unlimited}/60,pair:${unlimited}/60`,
      LATCHKEY_LIMIT_REFRESH: `address:${unlimited}/60,pair:${unlimited}/60`,
      LATCHKEY_LIMIT_GENERAL: `address:${unlimited}/60,account:${unlimited}/60`,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      TRUSTED_PROXIES: '127.0.0.1',
    }
  }

  /** Starts servers of the old version. */
  static async open(options: RollSiteOptions): Promise<RollSite> {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()])
    const site = new RollSite(await freePort(), { postgres, redis }, options)
    try {
      await site.migrate('old')
      const starting = Array.from({ length: options.servers }, () => site.start('old'))
      site.servers.push(...(await Promise.all(starting)))
      site.#nginx = await startNginx(site.#configuration(), `${site.url}/readyz`)
      return site
    } catch (error) {
      await site.close()
      throw error
    }
  }

  /** Starts a further server, and resolves when it is ready. nginx does not use it yet. */
  async start(version: Version): Promise<ServerProcess> {
    const server = await startServer({ env: this.#environment(version) })
    while (!(await fetch(`${server.url}/readyz`)).ok) await sleep(50)
    return server
  }

  /** Runs the migration job before a roll. */
  async migrate(version: Version): Promise<void> {
    const { code, output } = await runCommand({ env: this.#environment(version) }, ['migrate'])
    if (code !== 0) throw new Error(output)
  }

  /**
   * Replaces a server as a Deployment with `maxSurge: 1` and `maxUnavailable: 0` does: once the new
   * one is ready, the old one gets no more requests, and then it is stopped.
   */
  async replace(place: number, version: Version): Promise<void> {
    const old = this.servers[place]
    this.servers[place] = await this.start(version)
    await this.#nginx?.reload(this.#configuration())
    const code = await old?.stop()
    if (code !== 0) throw new Error(`A stopped server exited with ${code}.`)
  }

  async close(): Promise<void> {
    await this.#nginx?.stop()
    await Promise.all(this.servers.map((server) => server.stop()))
    await this.#redis.dispose()
    await this.#postgres.dispose()
  }

  #environment(version: Version): Record<string, string> {
    if (version === 'old') return { ...this.#env }
    return { ...this.#env, NODE_OPTIONS: `--import=${newerVersion}`, ROLL_MIGRATION: this.#migration }
  }

  /**
   * Returns the nginx configuration of deploy/compose for these servers. Clients open a new
   * connection for each request, as to a load balancer without keep-alive.
   */
  #configuration(): string {
    const upstreams = this.servers.map(({ url }) => `server ${new URL(url).host} max_fails=1 fail_timeout=2s;`)
    return readFileSync(nginxFile, 'utf8')
      .replace(/( *server [\d.]+:3000 .*\n)+/, `${upstreams.join('\n')}\n`)
      .replace('listen 8080;', `listen ${new URL(this.url).host};\nkeepalive_timeout 0;`)
  }
}
