import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { SqliteDatabase } from './sqlite-database.js'
import type { SqliteHandle } from './sqlite-handle.js'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /**
   * Opens the data file. The store calls it once for a handle to write with and once for one to read
   * with, and closes both.
   */
  readonly open: () => SqliteHandle
}

/**
 * Keeps tenants' secrets and key pairs in one SQLite file, for an application on one machine; its
 * processes may share the file.
 *
 * The file is opened at first use, in WAL mode, and every acknowledged change is on the disk. A file
 * that did not exist is made readable by its owner alone. Call `migrate()` once before use.
 *
 * Takes handles of `node:sqlite`, `@photostructure/sqlite` (the same API for Node.js 20 and 22),
 * better-sqlite3, libsql and bun:sqlite. Emits the warning `LATCHKEY_SQLITE_WAL_RESET` where the
 * driver embeds a version of SQLite that can lose commits (`hasWalResetFault`).
 *
 * @throws TypeError when `open` is no function. Calls of the store reject with `data_corrupt` when
 * the file is damaged or is no database.
 *
 * @example
 * import { DatabaseSync } from '@photostructure/sqlite'
 * const store = sqliteStore({ open: () => new DatabaseSync('latchkey.db') })
 */
export function sqliteStore({ open }: SqliteStoreOptions): SqlStore {
  if (typeof open !== 'function') throw new TypeError('sqliteStore needs open: a function that opens the data file.')
  return new DatabaseStore(new SqliteDatabase(open))
}
