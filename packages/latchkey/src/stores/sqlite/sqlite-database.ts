import { chmodSync, statSync } from 'node:fs'
import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import { performance, sleep } from '../../timers.js'
import { Mutex } from '../mutex.js'
import type { RowCheck, ServerMark } from '../sql/history.js'
import { codeOf } from '../sql/result-code.js'
import type { SqlConnection, SqlDatabase } from '../sql/sql-database.js'
import { failureOf, SqliteConnection } from './sqlite-connection.js'
import { sqliteDialect, sqliteMark } from './sqlite-dialect.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { hasWalResetFault } from './sqlite-version.js'

/**
 * The longest wait of a writer: for earlier writers of this process, and then for those of other
 * processes.
 */
const patienceMs = 5000

/**
 * One data file through two connections, opened at first use. The writer runs one transaction at a
 * time. The reader therefore sees only committed rows.
 *
 * While no transaction is open, reads use the writer as well: it has the pages that it wrote in its
 * cache, and each commit invalidates the whole cache of the reader.
 */
export class SqliteDatabase implements SqlDatabase<'sqlite'> {
  readonly dialect = sqliteDialect
  readonly #open: () => SqliteHandle
  readonly #writers = new Mutex(2 * patienceMs)
  #writer: Promise<SqliteConnection> | undefined
  #reader: Promise<SqliteConnection> | undefined
  #isWriting = false
  #closed = false

  constructor(open: () => SqliteHandle) {
    this.#open = open
  }

  async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    if (!readsOnly.test(text)) return this.exclusively((connection) => connection.query<Row>(text, values))
    const reader = await this.#readingConnection()
    const writer = await this.#writingConnection()
    // No other task may run between the check and the read.
    return { rows: await patiently(() => (this.#isWriting ? reader : writer).run<Row>(text, values)) }
  }

  async queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }> {
    // A connection keeps all its prepared statements.
    const answer = await this.query<Row>(text, values)
    check?.(answer.rows)
    return answer
  }

  exclusively<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T> {
    return this.#writers.run(async () => {
      const connection = await this.#writingConnection()
      this.#isWriting = true
      try {
        return await work({
          query: async (text, values) => ({ rows: await patiently(() => connection.run(text, values)) }),
          script: async (text) => connection.script(text),
          begin: async () => void (await patiently(() => connection.run('begin immediate'))),
          commit: async () => void connection.run('commit'),
          rollback: async () => this.#rollback(connection),
        })
      } finally {
        this.#isWriting = false
      }
    })
  }

  async adopt(): Promise<never> {
    throw new TypeError('Pass change() the client that transaction() passes to its work.')
  }

  async serverMark(): Promise<ServerMark> {
    return sqliteMark
  }

  async close(): Promise<void> {
    // Waits for the open transaction; one that takes too long is rolled back.
    await this.#writers.run(async () => {}).catch(() => {})
    this.#closed = true
    const [reader, writer] = await Promise.all([opened(this.#reader), opened(this.#writer)])
    reader?.close()
    if (writer !== undefined) settle(writer)
    writer?.close()
  }

  /**
   * After some failures, such as a full disk, SQLite has rolled back by itself. A connection whose
   * rollback fails is closed.
   */
  #rollback(connection: SqliteConnection): void {
    try {
      connection.run('rollback')
    } catch {
      connection.close()
      this.#writer = undefined
    }
  }

  async #writingConnection(): Promise<SqliteConnection> {
    this.#checkOpen()
    this.#writer ??= this.#connectWriter().catch((error: unknown) => {
      this.#writer = undefined
      throw error
    })
    return this.#writer
  }

  async #connectWriter(): Promise<SqliteConnection> {
    const writer = await this.#connect([
      // Waiting happens outside SQLite, without blocking the process; and SQLite does not wait at
      // all for the change to WAL.
      'pragma busy_timeout = 0',
      'pragma journal_mode = wal',
      'pragma synchronous = full',
      'pragma foreign_keys = on',
    ])
    warnOfFault(writer)
    return writer
  }

  async #readingConnection(): Promise<SqliteConnection> {
    // The writer is opened first: it switches a new file to WAL, which the reader needs.
    await this.#writingConnection()
    this.#checkOpen()
    this.#reader ??= this.#connect([`pragma busy_timeout = ${patienceMs}`, 'pragma query_only = on']).catch(
      (error: unknown) => {
        this.#reader = undefined
        throw error
      },
    )
    const reader = await this.#reader
    this.#checkOpen()
    return reader
  }

  #checkOpen(): void {
    if (this.#closed) throw new LatchkeyError('store_closed')
  }

  async #connect(settings: readonly string[]): Promise<SqliteConnection> {
    const connection = this.#openHandle()
    try {
      // SQLite reads the file for this query, and a process that creates it may hold a lock.
      const [file] = await patiently(() =>
        connection.run<{ file: string }>('select file from pragma_database_list where seq = 0'),
      )
      protectNewFile(file?.file ?? '')
      for (const setting of settings) await patiently(() => connection.run(setting))
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  #openHandle(): SqliteConnection {
    try {
      return new SqliteConnection(this.#open())
    } catch (error) {
      const failure = failureOf(error)
      throw isLatchkeyError(failure) ? failure : new LatchkeyError('store_unavailable', { cause: error })
    }
  }
}

/** Returns the connection, or `undefined` if none was opened or opening it failed. */
function opened(connection: Promise<SqliteConnection> | undefined): Promise<SqliteConnection | undefined> {
  return connection?.catch(() => undefined) ?? Promise.resolve(undefined)
}

const readsOnly = /^\s*(select|values|explain)\b/i

/**
 * Sets the mode of a new file while it is still empty. SQLite creates the files beside it with the
 * same mode.
 */
function protectNewFile(path: string): void {
  if (path === '')
    throw new TypeError('open() must open a file: every handle on a database in memory sees another one.')
  if (statSync(path).size === 0) chmodSync(path, 0o600)
}

/**
 * Warns once per store. The store still opens, because an application may have no other driver and
 * a single connection is safe.
 */
function warnOfFault(connection: SqliteConnection): void {
  const version = connection.run<{ version: string }>('select sqlite_version() as version')[0]?.version ?? ''
  if (!hasWalResetFault(version)) return
  process.emitWarning(
    `The driver embeds SQLite ${version}, which can lose committed changes when two connections write at the same instant.`,
    {
      code: 'LATCHKEY_SQLITE_WAL_RESET',
      detail:
        'Use node:sqlite of Node.js 24.21 or newer, or @photostructure/sqlite 1.2: see https://sqlite.org/wal.html.',
    },
  )
}

/**
 * Moves the contents of the write-ahead log into the file, so that a copy of the file alone is
 * complete.
 */
function settle(writer: SqliteConnection): void {
  try {
    writer.run('pragma wal_checkpoint(truncate)')
  } catch {
    // Nothing is lost: the next connection reads the log as well.
  }
}

/** Retries for a while if another process is writing, without blocking this one. */
async function patiently<T>(run: () => T): Promise<T> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      return run()
    } catch (error) {
      if (!isBusy(error) || !(performance.now() < giveUpAt)) throw error
    }
    await sleep(1 + Math.random() * 10)
  }
}

function isBusy(error: unknown): boolean {
  return isLatchkeyError(error) && codeOf(error.cause).startsWith('SQLITE_BUSY')
}
