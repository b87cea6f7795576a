import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import { Semaphore } from '../../semaphore.js'
import type { Dialect } from '../sql/dialect.js'
import { isStaleServer, type RowCheck, type ServerMark } from '../sql/history.js'
import type { PoolUse } from '../sql/pool-use.js'
import type { SqlClient } from '../sql/sql-client.js'
import type { SqlDatabase } from '../sql/sql-database.js'
import { inCallerTransaction } from './caller-transaction.js'
import { MysqlConnection } from './mysql-connection.js'
import { mysqlDialect, mysqlMark } from './mysql-dialect.js'
import { type Mysql2PoolConnection, socketOf } from './mysql2.js'

/** A connection that one caller may use until it is given back. */
export interface LentConnection {
  readonly connection: Mysql2PoolConnection
  /** Closes the connection if it is broken. */
  giveBack(isBroken: boolean): void
}

/** The connections of a store. */
export interface MysqlSource {
  lend(): Promise<LentConnection>
  /** The number of connections that statements may use at once. */
  readonly max: number
  /** Whether the connections were opened for this store alone. */
  readonly isOwn: boolean
  /** Closes the connections that were opened for this store. */
  close(): Promise<void>
}

/** The longest wait of a transaction for one of the connections that transactions may use. */
const placePatienceMs = 5000

const serverVariables = `
  show global variables
  where variable_name in ('server_uuid', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog')`

/** MySQL and MariaDB through the package `mysql2`. */
export class MysqlDatabase implements SqlDatabase<'mysql'> {
  readonly dialect: Dialect<'mysql'>
  readonly #source: MysqlSource
  readonly #running = new Set<Promise<unknown>>()
  /** The open connections that were lent at least once. */
  readonly #open = new Set<Mysql2PoolConnection>()
  readonly #transactions: Semaphore
  #lent = 0
  #asking = 0
  #hasWarned = false

  /** Without a database, the tables are in the one that each connection has selected. */
  constructor(source: MysqlSource, database: string | undefined) {
    this.dialect = mysqlDialect(database)
    this.#source = source
    // Transactions wait for locks. A quarter of the connections is reserved for reads, so that a
    // locked row does not stop them.
    this.#transactions = new Semaphore(Math.max(1, source.max - Math.ceil(source.max / 4)), placePatienceMs)
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    return this.queryPrepared(text, values)
  }

  queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }> {
    return this.#run(async (connection) => {
      const answer = await connection.query<Row>(text, values)
      check?.(answer.rows)
      return answer
    })
  }

  exclusively<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.#track(this.#transactions.run(() => this.#run(work)))
  }

  adopt<T>(client: SqlClient, work: (open: SqlClient) => Promise<T>): Promise<T> {
    return inCallerTransaction(client, work)
  }

  async serverMark(): Promise<ServerMark> {
    const { rows } = await this.query<{ Variable_name: string; Value: string }>(serverVariables)
    const variables = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]))
    this.#warnOfLosses(variables)
    return mysqlMark(variables.has('server_uuid'))
  }

  poolUse(): PoolUse {
    const { max } = this.#source
    const idle = Math.max(0, this.#open.size - this.#lent)
    return { max, used: this.#lent, idle, waiting: this.#asking + this.#transactions.waiting }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#running)
    await this.#source.close()
  }

  async #run<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.#track(this.#runLent(work))
  }

  async #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #runLent<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    const lent = await this.#lend()
    const connection = new MysqlConnection(lent.connection, this.#source.isOwn)
    this.#lent += 1
    try {
      await this.#setUp(lent.connection, connection)
      return await work(connection)
    } catch (error) {
      // The connection leads to a server that is no longer the primary.
      if (isStaleServer(error)) connection.discard()
      throw error
    } finally {
      this.#lent -= 1
      if (connection.broken) this.#open.delete(lent.connection)
      lent.giveBack(connection.broken)
    }
  }

  async #lend(): Promise<LentConnection> {
    this.#asking += 1
    try {
      return await this.#source.lend()
    } catch (error) {
      throw isLatchkeyError(error) ? error : new LatchkeyError('store_unavailable', { cause: error })
    } finally {
      this.#asking -= 1
    }
  }

  /** Sets a connection up when it is lent for the first time. */
  async #setUp(lent: Mysql2PoolConnection, connection: MysqlConnection): Promise<void> {
    if (this.#open.has(lent)) return
    try {
      if (this.#source.isOwn) await connection.prepare()
    } catch (error) {
      connection.discard()
      throw error
    }
    this.#open.add(lent)
    socketOf(lent)?.once('close', () => this.#open.delete(lent))
  }

  /** Warns once per store of settings with which a crash of the server undoes commits. */
  #warnOfLosses(variables: ReadonlyMap<string, string>): void {
    const isFlushed = variables.get('innodb_flush_log_at_trx_commit') === '1'
    const isLogged = variables.get('log_bin') !== 'ON' || variables.get('sync_binlog') === '1'
    if (this.#hasWarned || (isFlushed && isLogged)) return
    this.#hasWarned = true
    process.emitWarning('A crash of the MySQL server can undo acknowledged revocations.', {
      code: 'LATCHKEY_MYSQL_NOT_DURABLE',
      detail: 'Set innodb_flush_log_at_trx_commit = 1 and, with a binary log, sync_binlog = 1.',
    })
  }
}
