import type { KeyPairStore } from '../../keys/key-pair-store.js'
import type { TenantStore } from '../../secrets/ports.js'
import type { MigrationSet } from './migrations.js'
import type { PoolUse } from './pool-use.js'
import type { SqlClient } from './sql-client.js'

/**
 * Tenants' secrets and key pairs in an SQL database, with the database itself at hand for callers that keep their own tables
 * beside. `query` outside a transaction reads committed data, and commits what it writes at once.
 */
export interface SqlStore extends TenantStore<SqlClient>, KeyPairStore, SqlClient {
  readonly dialect: 'postgres' | 'sqlite'
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. A statement that failed dooms the
   * transaction on both databases, also when `work` catches the error: then that error rejects the transaction.
   */
  transaction<T>(work: (client: SqlClient) => Promise<T>): Promise<T>
  /**
   * Brings the database up to this version: the library's own tables first, then the caller's set, in one transaction. Many
   * processes may call it at once. Where nothing is missing it makes no tables, so that a role without
   * the right to make some may call it, too; else it fails with `store_rights_missing` for such a role. A database that was migrated further is left as it is; fails with `schema_too_new` where this program cannot run on
   * it (`Migration.runsFrom`).
   */
  migrate(own?: MigrationSet): Promise<void>
  /**
   * To be called once after the database was set back to a backup, before anything else uses it: versions go on above all that were ever given, and the
   * change log begins anew, so that nobody takes a change for one that was heard of before. What the backup had not revoked yet is valid again until it is
   * revoked again, and a shared cache must be emptied (C6).
   */
  beginAfterRestore(): Promise<void>
  /** Returns how the pool of connections is used; `undefined` where there is none, as with SQLite. Reads no database. */
  poolUse(): PoolUse | undefined
}
