import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { SqliteDatabase } from './sqlite-database.js'
import type { SqliteHandle } from './sqlite-handle.js'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /**
   * Opens the data file. The store calls it once for a handle that writes and once for one that
   * reads, and closes both.
   */
  readonly open: () => SqliteHandle
}

/**
 * Returns a store that keeps tenants' secrets and key pairs in one SQLite file, for an application
 * on one machine; its processes may share the file. Call `migrate()` once before use.
 *
 * The file is opened at first use, in WAL mode, and every acknowledged change is on the disk. A new
 * file can be read only by its owner.
 *
 * Takes handles of `node:sqlite`, `@photostructure/sqlite` (the same API for Node.js 20 and 22),
 * better-sqlite3, libsql and bun:sqlite. Emits the warning `LATCHKEY_SQLITE_WAL_RESET` if the
 * driver embeds a version of SQLite that can lose commits (see `hasWalResetFault`).
 *
 * @returns The store. Its calls reject with `data_corrupt` if the file is damaged or is no
 * database.
 * @throws TypeError if `open` is no function
 * @example
 * ```ts
 * import { DatabaseSync } from '@photostructure/sqlite'
 * import { sqliteStore } from 'latchkey/sqlite'
 *
 * const store = sqliteStore({ open: () => new DatabaseSync('latchkey.db') })
 * await store.migrate()
 * ```
 */
export function sqliteStore({ open }: SqliteStoreOptions): SqlStore {
  if (typeof open !== 'function') throw new TypeError('sqliteStore needs open: a function that opens the data file.')
  return new DatabaseStore(new SqliteDatabase(open))
}
