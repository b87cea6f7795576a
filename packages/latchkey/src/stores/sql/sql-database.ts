import type { Change } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { RowCheck, ServerMark } from './history.js'
import type { PoolUse } from './pool-use.js'
import type { SqlClient } from './sql-client.js'
import type { SqlDialect } from './sql-dialect.js'

/** One connection, lent to one caller. */
export interface SqlConnection extends SqlClient {
  begin(): Promise<void>
  /** Fails with `store_unavailable` also if the outcome is unknown. */
  commit(): Promise<void>
  /** Never fails: a connection that cannot roll back is closed. */
  rollback(): Promise<void>
  /** Runs several statements, separated by `;`. */
  script(text: string): Promise<void>
}

/** Receives the notifications of a database about its log. Any of them may be lost, or false. */
export interface LogHints {
  /** A change may have been committed. */
  changed(hint: Change): void
  /** The log may have new rows. */
  check(): void
}

/** Notifications of a database that the log has new rows. */
export interface WakeUps {
  /** Replaces the connection: the current one may lead to another server. */
  reconnect(): void
  close(): void
}

/**
 * A database driver for the common SQL. `query` reads committed data and commits what it writes.
 */
export interface SqlDatabase<Name extends SqlDialect = SqlDialect> extends SqlClient {
  readonly dialect: Dialect<Name>
  /**
   * Runs one of a few frequent statements: each connection prepares it once, if the database allows
   * it. A connection on which `check` throws `StaleServer` is closed.
   */
  queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }>
  /** Lends a connection for a transaction that may write. */
  exclusively<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>
  /**
   * Runs `work` on an open transaction that the caller began without the store. Throws a TypeError
   * if there is none.
   */
  adopt<T>(client: SqlClient, work: (open: SqlClient) => Promise<T>): Promise<T>
  /** Returns the SQL that identifies the server. */
  serverMark(): Promise<ServerMark>
  /** Returns the use of the connection pool; absent if there is none. */
  poolUse?(): PoolUse
  /** Listens for new rows of the log. Absent, or `undefined`, if the database cannot notify. */
  listen?(hints: LogHints): WakeUps | undefined
  close(): Promise<void>
}
