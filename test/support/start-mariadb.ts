import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import { freePort } from './free-port.js'
import { requireProgram } from './installed-program.js'

/** A row of a statement that a test runs. */
export type MariadbRow = Readonly<Record<string, unknown>>

/** A MariaDB server on loopback, with a temporary data folder. */
export interface MariadbServer {
  /** `mysql://root@127.0.0.1:…/mysql`: the URL of the administrator. */
  readonly url: string
  /** Creates an empty database. Returns its URL. */
  createDatabase(): Promise<string>
  /** Runs one statement in the database `mysql`, or in the database of this URL. */
  run(text: string, url?: string): Promise<readonly MariadbRow[]>
  /** Starts the server again after `stop` or `crash`, with the same data and port. */
  start(): Promise<void>
  /** Shuts the server down, and ends every connection. */
  stop(): Promise<void>
  /** Kills the server; the next start recovers from its log. */
  crash(): Promise<void>
  /** Suspends the process, so that it accepts connections and never answers. */
  freeze(): void
  thaw(): void
  /**
   * Copies the data; restarts the server for it. Returns a function that stops the server and sets
   * its data back to the copy.
   */
  backUp(): Promise<() => Promise<void>>
  /**
   * Starts a replica, which is read-only until it is promoted. Restarts this server for it, which
   * must have been started with `--log-bin`.
   */
  replicate(): Promise<MariadbReplica>
  /** Stops the server and removes its data. */
  dispose(): Promise<void>
}

/** A replica, which can become a primary. */
export interface MariadbReplica extends MariadbServer {
  /** Resolves once the replica has applied everything that its primary has committed by now. */
  caughtUp(): Promise<void>
  /** Stops the replication, so that the replica lags. */
  lag(): Promise<void>
  /** Makes the replica a primary. The old primary continues. */
  promote(): Promise<void>
}

/**
 * Creates and starts a server with further options of its command. Installs `mariadb-server` on
 * Debian as root when it is missing; otherwise throws. If this process dies without `dispose`, the
 * server stops and its folder is removed as well.
 */
export async function startMariadb(...options: readonly string[]): Promise<MariadbServer> {
  requireProgram('mariadbd', 'mariadb-server')
  const server = await LocalServer.create(options)
  try {
    await server.initialise()
    await server.start()
    return server
  } catch (error) {
    await server.dispose()
    throw error
  }
}

/** As root the server runs only with this option. */
const userOptions = process.getuid?.() === 0 ? ['--user=root'] : []

class LocalServer implements MariadbReplica {
  readonly url: string
  readonly #folder: string
  readonly #data: string
  readonly #log: string
  readonly #port: number
  readonly #options: readonly string[]
  readonly #primary: LocalServer | undefined
  readonly #janitor: ChildProcess
  #process: ChildProcess | undefined

  private constructor(folder: string, port: number, options: readonly string[], primary: LocalServer | undefined) {
    this.#folder = folder
    this.#data = join(folder, 'data')
    this.#log = join(folder, 'server.log')
    this.#port = port
    this.#options = options
    this.#primary = primary
    this.#janitor = startJanitor(folder)
    this.url = `mysql://root@127.0.0.1:${port}/mysql`
  }

  static async create(options: readonly string[], primary?: LocalServer): Promise<LocalServer> {
    return new LocalServer(mkdtempSync(join(tmpdir(), 'latchkey-mariadb-')), await freePort(), options, primary)
  }

  async initialise(): Promise<void> {
    await promisify(execFile)('mariadb-install-db', [
      '--no-defaults',
      `--datadir=${this.#data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      ...userOptions,
    ])
  }

  async start(): Promise<void> {
    const log = openSync(this.#log, 'a')
    this.#process = spawn(
      'mariadbd',
      [
        '--no-defaults',
        `--datadir=${this.#data}`,
        `--socket=${join(this.#folder, 'socket')}`,
        `--pid-file=${join(this.#folder, 'server.pid')}`,
        `--port=${this.#port}`,
        // Servers of one replication need different IDs.
        `--server-id=${this.#port}`,
        '--bind-address=127.0.0.1',
        '--skip-name-resolve',
        '--innodb-buffer-pool-size=32M',
        ...userOptions,
        ...this.#options,
      ],
      { cwd: this.#folder, stdio: ['ignore', log, log], detached: true },
    )
    closeSync(log)
    await this.#answers(this.#process)
  }

  async createDatabase(): Promise<string> {
    const name = `latchkey_test_${randomBytes(6).toString('hex')}`
    await this.run(`create database ${name}`)
    return this.url.replace(/mysql$/, name)
  }

  async run(text: string, url = this.url): Promise<readonly MariadbRow[]> {
    const connection = await mysql.createConnection(url)
    try {
      const [rows] = await connection.query(text)
      return Array.isArray(rows) ? (rows as MariadbRow[]) : []
    } finally {
      await connection.end()
    }
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  crash(): Promise<void> {
    return this.#end('SIGKILL')
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async backUp(): Promise<() => Promise<void>> {
    const copy = join(this.#folder, 'backup')
    await this.stop()
    rmSync(copy, { recursive: true, force: true })
    await promisify(execFile)('cp', ['-a', this.#data, copy])
    await this.start()
    return async () => {
      await this.stop()
      rmSync(this.#data, { recursive: true })
      renameSync(copy, this.#data)
    }
  }

  async replicate(): Promise<MariadbReplica> {
    const replica = await LocalServer.create([...this.#options, '--read-only=1'], this)
    try {
      await this.stop()
      await promisify(execFile)('cp', ['-a', this.#data, replica.#data])
      await this.start()
      await replica.start()
      await replica.run('set global gtid_slave_pos = @@global.gtid_binlog_pos')
      await replica.run(
        `change master to master_host = '127.0.0.1', master_port = ${this.#port}, master_user = 'root', master_use_gtid = slave_pos`,
      )
      await replica.run('start slave')
      return replica
    } catch (error) {
      await replica.dispose()
      throw error
    }
  }

  async caughtUp(): Promise<void> {
    const rows = (await this.#primary?.run('select @@global.gtid_binlog_pos as position')) ?? []
    await this.run(`select master_gtid_wait('${rows[0]?.position}', 30)`)
  }

  async lag(): Promise<void> {
    await this.run('stop slave')
  }

  async promote(): Promise<void> {
    await this.run('stop slave')
    await this.run('set global read_only = 0')
  }

  async dispose(): Promise<void> {
    await this.crash()
    rmSync(this.#folder, { recursive: true, force: true })
    this.#janitor.ref()
    this.#janitor.stdin?.end()
    if (this.#janitor.exitCode === null) await once(this.#janitor, 'exit')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return
    const exit = once(process, 'exit')
    process.kill('SIGCONT')
    process.kill(signal)
    await exit
  }

  async #answers(process: ChildProcess): Promise<void> {
    const giveUpAt = Date.now() + 60_000
    for (;;) {
      try {
        await this.run('select 1')
        return
      } catch (error) {
        if (process.exitCode !== null || Date.now() > giveUpAt) {
          throw new Error(`MariaDB does not start:\n${readFileSync(this.#log, 'utf8')}`, { cause: error })
        }
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
  const script = 'read _; pid=$(head -n 1 "$0/server.pid" 2>/dev/null) && kill -KILL "$pid" 2>/dev/null; rm -rf "$0"'
  const janitor = spawn('sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  janitor.unref()
  return janitor
}
