import type { KeyPairStore } from '../../keys/key-pair-store.js'
import type { TenantStore } from '../../secrets/ports.js'
import type { SessionStore } from '../../sessions/session-store.js'
import type { MigrationSet } from './migration-set.js'
import type { PoolUse } from './pool-use.js'
import type { SqlClient } from './sql-client.js'
import type { SqlDialect } from './sql-dialect.js'

/**
 * A store of tenants' secrets, sessions and key pairs in an SQL database, which callers can also
 * use for their own tables. Outside a transaction, `query` reads committed data and commits what it
 * writes at once.
 *
 * By default the type is that of PostgreSQL and SQLite, which share a subset of SQL.
 * `SqlStore<'mysql'>` is that of `mysqlStore`, whose callers write the SQL of MySQL.
 *
 * @example
 * ```ts
 * import type { SqlStore } from 'latchkey/sql'
 * import { tenantSecrets } from 'latchkey'
 *
 * export async function removeUser(store: SqlStore, id: string): Promise<void> {
 *   const keys = tenantSecrets({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 *   await store.transaction(async (client) => {
 *     await client.query('delete from users where id = $1', [id])
 *     await keys.forget(id, { client })
 *   })
 * }
 * ```
 */
export interface SqlStore<Name extends SqlDialect = 'postgres' | 'sqlite'>
  extends TenantStore<SqlClient>,
    SessionStore<SqlClient>,
    KeyPairStore,
    SqlClient {
  readonly dialect: Name
  /**
   * Runs `work` in one transaction: committed when `work` resolves, rolled back when it rejects. A
   * failed statement fails the transaction on every database: if `work` catches the error, the
   * transaction still rejects with it.
   */
  transaction<T>(work: (client: SqlClient) => Promise<T>): Promise<T>
  /**
   * Brings the database up to this version: the library's own tables first, then the caller's set,
   * in one transaction. Several processes may call it at once.
   *
   * If no migration is missing, it creates no tables, so that a role without the right to create
   * some may call it.
   *
   * @param own The tables of the caller.
   * @throws LatchkeyError `store_rights_missing` if a migration is missing and the role may not
   * create tables; `schema_too_new` if a newer program has migrated the database to a schema that
   * this program cannot run on (`Migration.runsFrom`). A newer schema that it can run on is left as
   * it is.
   */
  migrate(own?: MigrationSet): Promise<void>
  /**
   * Must be called once after the database was restored from a backup, before any other use.
   * Versions continue above all that were ever used, and the change log starts empty, so that no
   * verifier takes a new change for one that it has already processed.
   *
   * A revocation that the backup does not contain is lost until the tenant is revoked again, and a
   * shared cache must be emptied (C6).
   */
  beginAfterRestore(): Promise<void>
  /**
   * Returns the use of the connection pool, or `undefined` if there is none, as with SQLite. Reads
   * no database.
   */
  poolUse(): PoolUse | undefined
}
