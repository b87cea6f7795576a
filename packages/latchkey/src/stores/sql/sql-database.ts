import type { Dialect } from './dialect.js'
import type { RowCheck, ServerMark } from './history.js'
import type { PoolUse } from './pool-use.js'
import type { SqlClient } from './sql-client.js'

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

/** Notifications of a database that the log has new rows. */
export interface WakeUps {
  /** Replaces the connection: the current one may lead to another server. */
  reconnect(): void
  close(): void
}

/**
 * A database driver for the common SQL. `query` reads committed data and commits what it writes.
 */
export interface SqlDatabase extends SqlClient {
  readonly dialect: Dialect
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
   * Returns a client for an open transaction that the caller began without the store. Throws a
   * TypeError if there is none.
   */
  adopt(client: SqlClient): Promise<SqlClient>
  /** Returns the SQL that identifies the server. */
  serverMark(): Promise<ServerMark>
  /** Returns the use of the connection pool; absent if there is none. */
  poolUse?(): PoolUse
  /**
   * Calls `wake` when the log may have new rows. Absent, or `undefined`, if the database cannot
   * notify.
   */
  listen?(wake: () => void): WakeUps | undefined
  close(): Promise<void>
}
