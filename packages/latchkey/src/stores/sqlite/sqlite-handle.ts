/** Values that SQLite stores. */
export type SqliteValue = string | number | bigint | null | Uint8Array

/** The parts of a prepared statement of `node:sqlite` that the store uses. */
export interface SqliteStatement {
  /** Runs the statement to its end and returns its rows. The value of `$1` is the member `$1`. */
  all(values: Readonly<Record<string, SqliteValue>>): unknown[]
}

/** The parts of a prepared statement of better-sqlite3 or libsql that the store uses. */
export interface BetterSqlite3Statement {
  /** Whether the statement returns rows; `all` throws for one that does not. */
  readonly reader: boolean
  /** Runs the statement and returns its rows. The value of `$1` is the member `1`. */
  all(values: Readonly<Record<string, SqliteValue>>): unknown[]
  run(values: Readonly<Record<string, SqliteValue>>): unknown
}

/**
 * An open SQLite database: `DatabaseSync` of `node:sqlite` or of `@photostructure/sqlite`, or
 * `Database` of better-sqlite3, libsql or bun:sqlite.
 */
export interface SqliteHandle {
  prepare(text: string): SqliteStatement | BetterSqlite3Statement
  exec(script: string): unknown
  close(): unknown
}
