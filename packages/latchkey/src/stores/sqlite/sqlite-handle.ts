/** A prepared statement as better-sqlite3 shapes it. */
export interface SqliteStatement {
  /** Whether it gives rows; a driver that does not say runs everything through `all`. */
  readonly reader?: boolean
  /** Runs it to its end and gives its rows. `$1` is bound to the member `1` of `values`. */
  all(values: Readonly<Record<string, SqliteValue>>): unknown[]
  run(values: Readonly<Record<string, SqliteValue>>): unknown
}

/** An open SQLite database: `Database` of libsql or better-sqlite3, `DatabaseSync` of newer Node. */
export interface SqliteHandle {
  prepare(text: string): SqliteStatement
  exec(script: string): unknown
  close(): unknown
}

/** What SQLite can be given. */
export type SqliteValue = string | number | bigint | null | Uint8Array
