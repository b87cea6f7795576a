import { ConnectionString } from '../sql/connection-string.js'
import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { lendConnection } from './lend-connection.js'
import { MysqlDatabase, type MysqlSource } from './mysql-database.js'
import { isLoginRefused } from './mysql-failure.js'
import type { Mysql2Pool } from './mysql2.js'
import { OwnPools } from './own-pools.js'

/** Options of `mysqlStore`: either `connectionString` or `pool`. */
export interface MysqlStoreOptions {
  /**
   * `mysql://user:password@host:port/database` of the primary; a replica returns outdated rows. TLS
   * and other options of `mysql2` are parameters of it, as in `?ssl={"rejectUnauthorized":true}`.
   * A function is called again when the server refuses the login, so that it can return a rotated
   * password.
   */
  readonly connectionString?: string | (() => string) | undefined
  /**
   * The most connections of the pool.
   *
   * @defaultValue 10
   */
  readonly max?: number
  /**
   * A pool of `mysql2` or `mysql2/promise` to use instead. Close the pool yourself, after this
   * store. Each transaction of the store sets the session up and restores its settings, which costs
   * four statements more than with `connectionString`.
   */
  readonly pool?: Mysql2Pool | { readonly pool: Mysql2Pool } | undefined
  /**
   * The database of the library's tables: up to 50 of `a` to `z`, `0` to `9` and `_`. It must
   * exist. Every statement names it, whatever database a connection or the caller's transaction has
   * selected.
   *
   * @defaultValue the database that the connection has selected
   */
  readonly database?: string | undefined
}

/** The name is put into SQL. */
const databaseName = /^[a-z_][a-z0-9_]{0,49}$/

/**
 * Returns a store that keeps tenants' secrets and key pairs in MariaDB 10.6 or newer, or in MySQL
 * 8.0 or newer, for applications of many processes. Needs the package `mysql2`. Call `migrate()`
 * once before use.
 *
 * The store connects at first use. Verifiers read the change log; there are no notifications, so
 * that a change reaches the other processes within a third of `maxStaleness`. Changes exclude each
 * other: they take the lock of one row until they are committed, so that the log is in the order of
 * the commits. A change in a transaction of the caller holds it until the caller commits.
 *
 * Emits the warning `LATCHKEY_MYSQL_NOT_DURABLE` if the settings of the server let a crash undo
 * commits. `change()` also takes the result of `mysql2Client` for a connection on which the caller
 * has begun a transaction, at any isolation level.
 *
 * @throws TypeError if neither or both of `connectionString` and `pool` are given, if `max` is not
 * a positive whole number, or if `database` is no such name
 * @example
 * ```ts
 * import { tenantSecrets } from 'latchkey'
 * import { mysqlStore } from 'latchkey/mysql'
 *
 * const store = mysqlStore({ connectionString: process.env.DATABASE_URL })
 * await store.migrate()
 * const keys = tenantSecrets({ store, masterKeys: process.env.LATCHKEY_MASTER_KEYS })
 * ```
 */
export function mysqlStore(options: MysqlStoreOptions): SqlStore<'mysql'> {
  const { database } = options
  if (database !== undefined && !(typeof database === 'string' && databaseName.test(database))) {
    throw new TypeError(
      'database must be a name of at most 50 characters from a-z, 0-9 and _, not beginning with a digit.',
    )
  }
  return new DatabaseStore(new MysqlDatabase(sourceOf(options), database))
}

function sourceOf({ connectionString, pool, max = 10 }: MysqlStoreOptions): MysqlSource {
  if (pool !== undefined && connectionString === undefined) return sharedSource(pool)
  if (connectionString === undefined || pool !== undefined) {
    throw new TypeError('mysqlStore needs connectionString or pool, and not both.')
  }
  if (!(Number.isInteger(max) && max >= 1)) throw new TypeError('max must be a whole number from 1.')
  return new OwnPools(new ConnectionString(connectionString, isLoginRefused), max)
}

function sharedSource(given: Mysql2Pool | { readonly pool: Mysql2Pool }): MysqlSource {
  // A pool with promises wraps one with callbacks.
  const pool = 'pool' in given ? given.pool : given
  const max = limitOf(pool)
  const lend = async () => {
    const connection = await lendConnection(pool)
    const giveBack = (isBroken: boolean) => (isBroken ? connection.destroy() : connection.release())
    return { connection, giveBack }
  }
  return { lend, max, isOwn: false, close: async () => {} }
}

/** Returns the size of the pool; the types of `mysql2` do not declare where it is. */
function limitOf(pool: Mysql2Pool): number {
  const config: unknown = 'config' in pool ? pool.config : undefined
  const limit: unknown =
    typeof config === 'object' && config !== null ? Reflect.get(config, 'connectionLimit') : undefined
  return typeof limit === 'number' && limit >= 1 ? limit : 10
}
