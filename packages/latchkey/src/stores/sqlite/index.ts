export type { BetterSqlite3Statement, SqliteHandle, SqliteStatement, SqliteValue } from './sqlite-handle.js'
export { type SqliteStoreOptions, sqliteStore } from './sqlite-store.js'
export { hasWalResetFault } from './sqlite-version.js'
