import { createHash } from 'node:crypto'
import { LatchkeyError } from '../../errors.js'
import { Semaphore } from '../../semaphore.js'
import type { Dialect } from '../sql/dialect.js'
import { isStaleServer, type RowCheck, type ServerMark } from '../sql/history.js'
import type { PoolUse } from '../sql/pool-use.js'
import type { SqlClient } from '../sql/sql-client.js'
import type { LogHints, SqlDatabase, WakeUps } from '../sql/sql-database.js'
import { callerTransaction } from './caller-transaction.js'
import { lendClient, returnClient } from './lend-client.js'
import type { PostgresPool, PostgresPoolClient } from './postgres-client.js'
import { PostgresConnection, type StatementName } from './postgres-connection.js'
import { logChannel, notifyOn, postgresDialect, postgresMark, postgresTableMark } from './postgres-dialect.js'
import { sqlStateOf } from './postgres-failure.js'
import { type ConnectDedicated, PostgresWakeUps } from './wake-ups.js'

/** The connections of a store. */
export interface PostgresSource {
  readonly pool: PostgresPool
  /** The number of connections of the pool that statements may use at once. */
  readonly max: number
  /** Opens the connection that listens; `undefined` if none can be spared. */
  readonly connectDedicated: ConnectDedicated | undefined
  /**
   * Whether the listening connection is opened as those of the pool are. If notifications then
   * arrive, there is no pooler in between that assigns connections per statement.
   */
  readonly listensAlike: boolean
  /** Closes the connections that were opened for this store. */
  readonly close: () => Promise<void>
}

/** The longest wait of a transaction for one of the connections that transactions may use. */
const placePatienceMs = 5000

/** The server lacks a function, does not let this role call it, or does not support it. */
const withoutFunction = ['42883', '42501', '0A000']

/** Needs what the name of the server needs, except a table, which may be missing yet. */
const showServer = 'select system_identifier, pg_walfile_name(pg_current_wal_lsn()) from pg_control_system()'

/** A prepared statement does not exist, exists already, or has other columns now. */
const notAsPrepared = ['26000', '42P05', '0A000']

/** The most statements that are prepared. A program repeats about as many, and uses them early. */
const maxNames = 256

/** PostgreSQL through the package `pg`. */
export class PostgresDatabase implements SqlDatabase<'postgres'> {
  readonly dialect: Dialect<'postgres'>
  readonly #source: PostgresSource
  readonly #channel: string
  readonly #running = new Set<Promise<unknown>>()
  readonly #names = new Map<string, string>()
  readonly #transactions: Semaphore
  /**
   * Becomes `everything` once notifications have arrived through the connections of the pool: then
   * no pooler in transaction mode is in between.
   */
  #prepares: 'reads' | 'everything' | 'nothing' = 'reads'

  /** Without a schema, the `search_path` of each connection finds the tables. */
  constructor(source: PostgresSource, schema: string | undefined) {
    this.dialect = postgresDialect(schema)
    this.#source = source
    this.#channel = logChannel(schema)
    // Transactions wait for locks. A quarter of the connections is reserved for reads, so that a
    // locked row does not stop them.
    this.#transactions = new Semaphore(Math.max(1, source.max - Math.ceil(source.max / 4)), placePatienceMs)
  }

  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
    return this.#prepares === 'everything' ? this.queryPrepared(text, values) : this.#query(text, values)
  }

  async queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }> {
    if (this.#prepares === 'nothing') return this.#query(text, values, { check })
    try {
      return await this.#query(text, values, { check, nameOf: this.#nameOf })
    } catch (error) {
      if (!isNotAsPrepared(error)) throw error
      // A pooler in transaction mode sends each statement through another connection.
      this.#prepares = 'nothing'
      return this.#query(text, values, { check })
    }
  }

  /**
   * A failed statement cannot be retried in its transaction, so nothing is prepared in one before
   * it is known that no pooler is in between.
   */
  async exclusively<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    try {
      const nameOf = this.#prepares === 'everything' ? this.#nameOf : undefined
      return await this.#track(this.#transactions.run(() => this.#run(work, nameOf)))
    } catch (error) {
      if (isNotAsPrepared(error)) this.#prepares = 'nothing'
      throw error
    }
  }

  async adopt<T>(client: SqlClient, work: (open: SqlClient) => Promise<T>): Promise<T> {
    return work(await callerTransaction(client))
  }

  async serverMark(): Promise<ServerMark> {
    const mark = (await this.#runs(showServer)) ? postgresMark : postgresTableMark
    const { rows } = await this.#query<{ may: boolean }>(
      "select coalesce(has_function_privilege(to_regprocedure('pg_notify(text, text)'), 'execute'), false) as may",
    )
    return { ...mark, wake: rows[0]?.may === true ? notifyOn(this.#channel) : 'null' }
  }

  poolUse(): PoolUse {
    const { pool, max } = this.#source
    const { totalCount = 0, idleCount = 0, waitingCount = 0 } = pool
    // Transactions wait for a place before they ask the pool.
    const waiting = waitingCount + this.#transactions.waiting
    return { max, used: totalCount - idleCount, idle: idleCount, waiting }
  }

  listen(hints: LogHints): WakeUps | undefined {
    const { connectDedicated: connect, listensAlike } = this.#source
    if (connect === undefined) return undefined
    return PostgresWakeUps.start({
      connect,
      channel: this.#channel,
      hints,
      arrived: () => {
        if (listensAlike && this.#prepares === 'reads') this.#prepares = 'everything'
      },
    })
  }

  async close(): Promise<void> {
    // A pool of `pg` that is ending lends no connection to waiting callers.
    await Promise.allSettled(this.#running)
    await this.#source.close()
  }

  /** Returns whether the server has the functions that the statement calls, and this role may. */
  async #runs(text: string): Promise<boolean> {
    try {
      await this.#query(text)
      return true
    } catch (error) {
      if (withoutFunction.includes(sqlStateOf(error) ?? '')) return false
      throw error
    }
  }

  #query<Row extends object>(
    text: string,
    values?: readonly unknown[],
    { check, nameOf }: { readonly check?: RowCheck | undefined; readonly nameOf?: StatementName } = {},
  ): Promise<{ rows: Row[] }> {
    const read = async (connection: PostgresConnection) => {
      const answer = await connection.query<Row>(text, values)
      check?.(answer.rows)
      return answer
    }
    return this.#track(this.#run(read, nameOf))
  }

  async #track<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /**
   * A hash of the text, because connections of a caller's pool may be shared with another version
   * of this library.
   */
  readonly #nameOf: StatementName = (text) => {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= maxNames) return known
    const name = `latchkey_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
    this.#names.set(text, name)
    return name
  }

  async #run<T>(work: (connection: PostgresConnection) => Promise<T>, nameOf?: StatementName): Promise<T> {
    const client = await this.#lend()
    const connection = new PostgresConnection(client, nameOf)
    try {
      return await work(connection)
    } catch (error) {
      // The connection leads to a server that is no longer the primary.
      if (isStaleServer(error)) connection.discard()
      throw error
    } finally {
      returnClient(client, connection.broken)
    }
  }

  async #lend(): Promise<PostgresPoolClient> {
    try {
      return await lendClient(this.#source.pool)
    } catch (error) {
      throw new LatchkeyError('store_unavailable', { cause: error })
    }
  }
}

function isNotAsPrepared(error: unknown): boolean {
  return notAsPrepared.includes(sqlStateOf(error) ?? '')
}
