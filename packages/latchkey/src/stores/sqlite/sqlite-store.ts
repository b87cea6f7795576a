import { DatabaseStore } from '../sql/database-store.js'
import type { SqlStore } from '../sql/sql-store.js'
import { SqliteDatabase } from './sqlite-database.js'
import type { SqliteHandle } from './sqlite-handle.js'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /** Opens the data file, each time anew: the store asks for a handle to write with and one to read with. */
  readonly open: () => SqliteHandle
}

/**
 * Keeps tenants' secrets and key pairs in one SQLite file, for an application of one machine; its processes may share the file.
 * The file is opened at first use, in WAL mode, and every acknowledged change is on the disk. A file that did not exist is made
 * readable by its owner alone. Fails with `data_corrupt` when the file is damaged or no database. Call `migrate()` once before use.
 *
 * @example
 * import Database from 'libsql'
 * const store = sqliteStore({ open: () => new Database('latchkey.db') })
 */
export function sqliteStore({ open }: SqliteStoreOptions): SqlStore {
  if (typeof open !== 'function') throw new TypeError('sqliteStore needs open: a function that opens the data file.')
  return new DatabaseStore(new SqliteDatabase(open))
}
