import { chmodSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import { Mutex } from '../mutex.js'
import type { RowCheck, ServerMark } from '../sql/history.js'
import { codeOf } from '../sql/result-code.js'
import type { SqlClient } from '../sql/sql-client.js'
import type { SqlConnection, SqlDatabase } from '../sql/sql-database.js'
import { failureOf, SqliteConnection } from './sqlite-connection.js'
import { sqliteDialect, sqliteMark } from './sqlite-dialect.js'
import { SqliteFeed } from './sqlite-feed.js'
import type { SqliteHandle } from './sqlite-handle.js'
import { hasWalResetFault } from './sqlite-version.js'

/** How long a writer waits for the writers before it, of this process and then of others. */
const patienceMs = 5000

/**
 * One data file through two handles: a writer, used by one transaction at a time, and a reader, which therefore never sees what is not
 * committed, and whose `data_version` moves when anybody else commits. While nobody writes, reads go through the writer as well: it has the pages in memory that
 * it has written, of which each commit makes the reader forget all that it knew. Opened at first use.
 */
export class SqliteDatabase implements SqlDatabase {
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
    // Nothing may come between the question and the read.
    return { rows: await patiently(() => (this.#isWriting ? reader : writer).run<Row>(text, values)) }
  }

  async queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }> {
    // A connection keeps all its statements.
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

  async adopt(_client: SqlClient): Promise<SqlClient> {
    throw new TypeError('Give change() the client that this store gave to the work of transaction().')
  }

  async serverMark(): Promise<ServerMark> {
    return sqliteMark
  }

  async watch(listener: ChangeListener, options: WatchOptions): Promise<ChangeFeed> {
    return new SqliteFeed(await this.#readingConnection(), listener, options)
  }

  async close(): Promise<void> {
    // Whoever is writing may finish; who does not is rolled back.
    await this.#writers.run(async () => {}).catch(() => {})
    this.#closed = true
    const [reader, writer] = await Promise.all([opened(this.#reader), opened(this.#writer)])
    reader?.close()
    if (writer !== undefined) settle(writer)
    writer?.close()
  }

  /** After some failures (a full disk) SQLite has rolled back by itself; what is still open after that is not used again. */
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
      // Waiting is done without blocking the process; for the change to WAL SQLite itself would not wait at all.
      'pragma busy_timeout = 0',
      'pragma journal_mode = wal',
      'pragma synchronous = full',
      'pragma foreign_keys = on',
    ])
    warnOfFault(writer)
    return writer
  }

  async #readingConnection(): Promise<SqliteConnection> {
    // The writer comes first: it makes the file what the reader expects.
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
      // To find it out SQLite reads the file, which whoever makes it may have locked.
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

/** What was opened; `undefined` when nothing was, or it failed. */
function opened(connection: Promise<SqliteConnection> | undefined): Promise<SqliteConnection | undefined> {
  return connection?.catch(() => undefined) ?? Promise.resolve(undefined)
}

const readsOnly = /^\s*(select|values|explain)\b/i

/** A file just made holds nothing yet; who else may read it is settled before it does. The files beside it get the same mode. */
function protectNewFile(path: string): void {
  if (path === '')
    throw new TypeError('open() must open a file: every handle on a database in memory sees another one.')
  if (statSync(path).size === 0) chmodSync(path, 0o600)
}

/** Warns once per store: an application may have no other driver at hand, and one connection alone is safe. */
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

/** Moves what is in the log beside the file into the file, so that whoever copies the file alone has everything. */
function settle(writer: SqliteConnection): void {
  try {
    writer.run('pragma wal_checkpoint(truncate)')
  } catch {
    // Nothing is lost with the log: whoever opens the file next reads both.
  }
}

/** Another process may be writing: tries again for a while, without blocking this one. */
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
