import { type FailureCode, isLatchkeyError } from '../../errors.js'
import { contentionPatienceMs } from '../sql/contention.js'
import type { SqlConnection } from '../sql/sql-database.js'
import type { Mysql2Connection } from './mysql2.js'
import { runStatement } from './run-statement.js'
import { splitScript } from './statement-text.js'

/** Failures after which the connection is closed. */
const breaking: readonly FailureCode[] = ['store_unavailable', 'data_corrupt']

/**
 * The server ends a wait for a lock before this client times out, so that no session keeps waiting
 * for a caller that has gone.
 */
const lockWaitSec = Math.floor(contentionPatienceMs / 1000)

/** After waiting for a lock, a statement must see what was committed meanwhile. */
const readCommitted = 'transaction isolation level read committed'

/**
 * Settings of a connection of the store. Without a strict mode, MySQL shortens a value that is too
 * long for its column, and one tenant could become another.
 */
const ownSettings = [
  `set session ${readCommitted}`,
  `set sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
    innodb_lock_wait_timeout = ${lockWaitSec}`,
]

/** The same for one transaction on a connection of a caller's pool. */
const borrowedSettings = [
  'set @latchkey_sql_mode = @@sql_mode, @latchkey_lock_wait = @@innodb_lock_wait_timeout',
  `set sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES'), innodb_lock_wait_timeout = ${lockWaitSec}`,
  `set ${readCommitted}`,
]

const callersSettings = 'set sql_mode = @latchkey_sql_mode, innodb_lock_wait_timeout = @latchkey_lock_wait'

/** One connection of a pool, lent for a statement or a transaction. */
export class MysqlConnection implements SqlConnection {
  readonly #connection: Mysql2Connection
  readonly #isOwn: boolean
  #hasMigrated = false
  #broken = false

  /** `isOwn`: no other program uses the connection, and `prepare` was called for it once. */
  constructor(connection: Mysql2Connection, isOwn: boolean) {
    this.#connection = connection
    this.#isOwn = isOwn
  }

  /** Whether the connection must be closed. */
  get broken(): boolean {
    return this.#broken
  }

  /** Marks the connection as broken. */
  discard(): void {
    this.#broken = true
  }

  /** Sets the session up for all its transactions. */
  async prepare(): Promise<void> {
    for (const setting of ownSettings) await this.query(setting)
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<{ rows: Row[] }> {
    return this.#run<Row>(text, { values })
  }

  async script(text: string): Promise<void> {
    this.#hasMigrated = true
    for (const statement of splitScript(text)) await this.#run(statement, { timeoutMs: Number.POSITIVE_INFINITY })
  }

  async begin(): Promise<void> {
    for (const setting of this.#isOwn ? [] : borrowedSettings) await this.query(setting)
    // Fails on a server that only reads.
    await this.query('start transaction read write')
  }

  async commit(): Promise<void> {
    await this.query('commit')
    await this.#restore()
  }

  async rollback(): Promise<void> {
    // A connection that has failed to migrate may hold the lock of migrations.
    if (this.#hasMigrated) this.#broken = true
    try {
      if (this.#broken) return
      await this.query('rollback')
      await this.#restore()
    } catch {
      this.#broken = true
    }
  }

  /** The transaction is committed or rolled back already: a failure concerns the connection. */
  async #restore(): Promise<void> {
    if (this.#isOwn) return
    try {
      await this.query(callersSettings)
    } catch {
      this.#broken = true
    }
  }

  async #run<Row extends object>(
    text: string,
    options: { readonly values?: readonly unknown[]; readonly timeoutMs?: number },
  ): Promise<{ rows: Row[] }> {
    try {
      return await runStatement<Row>(this.#connection, text, options)
    } catch (error) {
      if (isLatchkeyError(error) && breaking.includes(error.code)) this.#broken = true
      throw error
    }
  }
}
