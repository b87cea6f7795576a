import type { ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { History, RowCheck, ServerMark } from './history.js'
import type { PoolUse } from './pool-use.js'
import type { SqlClient } from './sql-client.js'

/** One connection, used by one caller alone. */
export interface SqlConnection extends SqlClient {
  begin(): Promise<void>
  /** Fails with `store_unavailable` also when the outcome cannot be known. */
  commit(): Promise<void>
  /** Never fails: a connection that cannot roll back is not used again. */
  rollback(): Promise<void>
  /** Runs several statements, separated by `;`. */
  script(text: string): Promise<void>
}

/** A feed of the database. */
export interface SqlFeed extends ChangeFeed {
  /** Ends the connection on which it listens, if it has one of its own, and makes another: the one that there is may lead to another server. */
  reconnect?(): void
}

/** What a database driver brings; everything else is the same SQL for all. `query` reads committed data and commits what it writes. */
export interface SqlDatabase extends SqlClient {
  readonly dialect: Dialect
  /**
   * The same as `query`, for one of a few statements that run all the time: each connection prepares it once, where that can be. A connection on which `check` throws
   * `StaleServer` is not used again.
   */
  queryPrepared<Row extends object>(
    text: string,
    values?: readonly unknown[],
    check?: RowCheck,
  ): Promise<{ rows: Row[] }>
  /** Lends a connection in which a transaction may write. */
  exclusively<T>(work: (connection: SqlConnection) => Promise<T>): Promise<T>
  /** The open transaction of a caller who did not get it from a store; throws a TypeError when it is none. */
  adopt(client: SqlClient): Promise<SqlClient>
  /** How this database tells its server from others. */
  serverMark(): Promise<ServerMark>
  /** How the pool of connections is used; a database without one has no such method. */
  poolUse?(): PoolUse
  watch(listener: ChangeListener, options: WatchOptions, history: History): Promise<SqlFeed>
  close(): Promise<void>
}
