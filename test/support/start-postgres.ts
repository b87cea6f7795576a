import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './free-port.js'
import { postgresBinaries, type RunAs, serverUser } from './postgres-binaries.js'

/** A PostgreSQL server on loopback, with a temporary data folder. */
export interface PostgresServer {
  /**
   * `postgres://…/postgres`: the URL of the superuser. Tests create databases with
   * `createDatabase`.
   */
  readonly url: string
  /** Starts the server again after `stop` or `crash`, with the same data and port. */
  start(): Promise<void>
  /** Shuts the server down, and ends every connection. */
  stop(): Promise<void>
  /** Kills the server; the next start recovers from its log. */
  crash(): Promise<void>
  /**
   * Restarts the server so that its next transaction has about this ID, of 64 bits. Needs
   * `pg_resetwal`, which is part of Debian's package of the server.
   */
  continueFrom(transactionId: bigint): Promise<void>
  /**
   * Starts a streaming replica: a copy of the data on another port. Restarts this server for it.
   * The replica is read-only until it is promoted.
   */
  replicate(): Promise<PostgresReplica>
  /** Stops the server and removes its data. */
  dispose(): Promise<void>
}

/** A replica, which can become a primary. */
export interface PostgresReplica extends PostgresServer {
  /** Resolves once the replica has replayed everything that its primary has committed by now. */
  caughtUp(): Promise<void>
  /** Stops the replay until the promotion, so that the replica lags. */
  lag(): Promise<void>
  /**
   * Promotes the replica to a primary with a new timeline, without the changes that it has not
   * replayed. The old primary continues.
   */
  promote(): Promise<void>
}

/**
 * Creates and starts a server, which takes about a second and a half. The data folder is on disk
 * with fsync on, as crash tests need it. If this process dies without `dispose`, the server stops
 * and its folder is removed as well. `binaries` overrides the folder of the programs, and
 * `settings` adds settings, as `name=value`.
 */
export async function startPostgres(
  binaries = postgresBinaries,
  settings: readonly string[] = [],
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
  const janitor = startJanitor(folder)
  const server = new LocalServer({ folder, janitor, port: await freePort(), user: serverUser(), settings })
  try {
    await server.initialise(binaries(folder))
    await server.start()
    return server
  } catch (error) {
    await server.dispose()
    throw error
  }
}

interface LocalServerOptions {
  readonly folder: string
  readonly janitor: ChildProcess
  readonly port: number
  readonly user: RunAs | undefined
  readonly settings: readonly string[]
}

class LocalServer implements PostgresReplica {
  readonly url: string
  readonly #primary: LocalServer | undefined
  readonly #options: LocalServerOptions
  readonly #data: string
  readonly #log: string
  #binaries = ''
  #process: ChildProcess | undefined

  constructor(options: LocalServerOptions, primary?: LocalServer) {
    this.#options = options
    this.#primary = primary
    this.#data = join(options.folder, 'data')
    this.#log = join(options.folder, 'server.log')
    this.url = `postgres://postgres@127.0.0.1:${options.port}/postgres`
  }

  async initialise(binaries: string): Promise<void> {
    const { folder, user } = this.#options
    this.#binaries = binaries
    mkdirSync(this.#data, { mode: 0o700 })
    if (user !== undefined) for (const path of [folder, this.#data]) chownSync(path, user.uid, user.gid)
    const args = [
      '--pgdata',
      this.#data,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]
    await promisify(execFile)(join(binaries, 'initdb'), args, { cwd: folder, ...user })
  }

  async start(): Promise<void> {
    const { folder, port, user } = this.#options
    const here = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'max_connections=200']
    const settings = [...here, ...this.#options.settings]
    const log = openSync(this.#log, 'a')
    this.#process = spawn(
      join(this.#binaries, 'postgres'),
      ['-D', this.#data, ...settings.flatMap((setting) => ['-c', setting])],
      { cwd: folder, stdio: ['ignore', log, log], detached: true, ...user },
    )
    closeSync(log)
    await this.#answers(this.#process)
  }

  async continueFrom(transactionId: bigint): Promise<void> {
    const { folder, user } = this.#options
    const [epoch, id] = [transactionId >> 32n, transactionId & 0xffffffffn]
    await this.#freeze()
    await this.stop()
    // The server reads the status of transactions next to this one.
    const segment = (id >> 20n).toString(16).toUpperCase().padStart(4, '0')
    const status = join(this.#data, 'pg_xact', segment)
    writeFileSync(status, Buffer.alloc(262_144), { flag: 'a' })
    if (user !== undefined) chownSync(status, user.uid, user.gid)
    const args = ['-D', this.#data, '-e', String(epoch), '-x', String(id), '-u', String(id - 100n)]
    await promisify(execFile)(join(this.#binaries, 'pg_resetwal'), args, { cwd: folder, ...user })
    await this.start()
  }

  /** Lets no row depend on an earlier transaction, in any database. */
  async #freeze(): Promise<void> {
    const main = new pg.Client({ connectionString: this.url })
    await main.connect()
    await main.query('alter database template0 allow_connections true')
    const { rows } = await main.query<{ datname: string }>('select datname from pg_database')
    await main.end()
    for (const { datname } of rows) {
      const url = new URL(this.url)
      url.pathname = `/${datname}`
      const client = new pg.Client({ connectionString: url.href })
      await client.connect()
      await client.query('vacuum freeze')
      await client.end()
    }
  }

  async replicate(): Promise<PostgresReplica> {
    const folder = mkdtempSync(join(tmpdir(), 'latchkey-postgres-'))
    const { user } = this.#options
    if (user !== undefined) chownSync(folder, user.uid, user.gid)
    const janitor = startJanitor(folder)
    const replica = new LocalServer({ ...this.#options, folder, janitor, port: await freePort() }, this)
    try {
      await replica.copy(this.#binaries)
      await replica.start()
      return replica
    } catch (error) {
      await replica.dispose()
      throw error
    }
  }

  async copy(binaries: string): Promise<void> {
    this.#binaries = binaries
    const primary = this.#primary
    if (primary === undefined) return
    // The files of the stopped server are copied, because `pg_basebackup` is not in every package
    // of the server.
    await primary.stop()
    await promisify(execFile)('cp', ['-a', primary.#data, this.#data])
    await primary.start()
    const { port, hostname, username } = new URL(primary.url)
    const source = `primary_conninfo = 'host=${hostname} port=${port} user=${username}'\n`
    appendFileSync(join(this.#data, 'postgresql.auto.conf'), source)
    const signal = join(this.#data, 'standby.signal')
    writeFileSync(signal, '')
    const { user } = this.#options
    if (user !== undefined) chownSync(signal, user.uid, user.gid)
  }

  async caughtUp(): Promise<void> {
    const [{ committed } = { committed: '' }] =
      (await this.#primary?.run('select pg_current_wal_flush_lsn() as committed')) ?? []
    const isThere = `select pg_last_wal_replay_lsn() >= '${committed}' as there`
    while ((await this.run(isThere))[0]?.there !== true) await sleep(10)
  }

  async lag(): Promise<void> {
    // Stops the receiver as well, because a promotion replays all received changes.
    await this.run("alter system set primary_conninfo = ''")
    await this.run('select pg_reload_conf()')
    while ((await this.run('select 1 from pg_stat_wal_receiver')).length > 0) await sleep(10)
  }

  async promote(): Promise<void> {
    await this.run('select pg_promote()')
  }

  /** Runs one statement on this server. */
  async run(text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }

  stop(): Promise<void> {
    return this.#end('SIGINT')
  }

  crash(): Promise<void> {
    return this.#end('SIGQUIT')
  }

  async dispose(): Promise<void> {
    await this.stop()
    const { folder, janitor } = this.#options
    rmSync(folder, { recursive: true, force: true })
    janitor.ref()
    janitor.stdin?.end()
    if (janitor.exitCode === null) await once(janitor, 'exit')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return
    const exit = once(process, 'exit')
    process.kill(signal)
    await exit
  }

  async #answers(process: ChildProcess): Promise<void> {
    const giveUpAt = Date.now() + 30_000
    for (;;) {
      const client = new pg.Client({ connectionString: this.url })
      try {
        await client.connect()
        return
      } catch (error) {
        if (process.exitCode !== null || Date.now() > giveUpAt) {
          throw new Error(`PostgreSQL does not start:\n${readFileSync(this.#log, 'utf8')}`, { cause: error })
        }
      } finally {
        await client.end()
      }
      await sleep(25)
    }
  }
}

/**
 * Starts a process that outlives this one for a moment. When its input ends, because this process
 * closed it or died, it removes what is left.
 */
function startJanitor(folder: string): ChildProcess {
  const script = 'read _; pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid"; rm -rf "$0"'
  const janitor = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  janitor.unref()
  return janitor
}
