import type { MigrationSet } from './migration-set.js'
import type { SqlDialect } from './sql-dialect.js'
import type { Statements } from './statements.js'

/**
 * The kinds of rows in `latchkey_changes`: the change of a tenant, and the request that verifiers
 * acknowledge all earlier changes.
 */
export type LogRowKind = 'change' | 'request'

/** SQL expressions that depend on the server on which a row is logged. */
export interface LoggingServer {
  /** The epoch of its history. */
  readonly epoch: string
  /**
   * Notifies every verifier of the row `logged` when the transaction commits; `null` where the
   * server cannot.
   */
  readonly wake: string
}

/** Rows that are to be deleted unless another transaction has locked them. */
export interface UnlockedRows {
  readonly table: string
  /** The columns of its primary key. */
  readonly key: readonly string[]
  readonly condition: string
  /** The parameter with the greatest number of rows to delete. @defaultValue no limit */
  readonly limit?: string
}

/** Converts the values of the library's own statements for a driver. */
export interface ValueCodec {
  /** Returns the value to bind. */
  encode(value: unknown): unknown
  /** Returns the value of a row as the library uses it. */
  decode(value: unknown): unknown
}

/** The SQL in which PostgreSQL, SQLite and MySQL differ. */
export interface Dialect<Name extends SqlDialect = SqlDialect> {
  readonly name: Name
  /** The tables of the library. */
  readonly schema: MigrationSet
  /** Absent if the driver takes and returns the values as they are. */
  readonly codec?: ValueCodec
  /**
   * Returns a statement of the library with its tables named in the schema of the store. A store
   * without a schema leaves the statement as it is. The statements of callers are never changed.
   */
  inSchema(statement: string): string
  /** The type of a primary key that counts up and never reuses a number. */
  readonly identity: string
  /** The type of a short text that may be part of a key. */
  readonly shortText: string
  /** The time in milliseconds since 1970, by the database's clock. */
  readonly nowMs: string
  /** A suffix of `select` that locks its rows until the end of the transaction. */
  readonly forUpdate: string
  /**
   * A suffix of every `select` that reads a tenant for a change; empty where a statement after the
   * lock sees all that was committed before the lock was granted.
   */
  readonly lockingRead: string
  /**
   * A script that excludes other migrations until the end of the transaction, unless every
   * transaction does, and creates the schema of the store if that is missing.
   */
  readonly beginMigrations: string
  /** A script after the migrations, in the same transaction. */
  readonly endMigrations: string
  /**
   * A statement that excludes other changes of the log until the end of the transaction; empty if
   * every transaction does, or if the log needs no order of commits.
   */
  readonly lockChanges: string
  /** A statement that excludes other changes of the key pairs; empty if every transaction does. */
  readonly lockKeyPairs: string
  /** A statement that excludes other changes of the settings; empty if every transaction does. */
  readonly lockSettings: string
  /**
   * Statements that add a row of this kind to the log, about tenant `$1`, and wake the verifiers
   * when the transaction commits. They return its number as `seq`, and the epoch as `history`.
   */
  logRow(kind: LogRowKind, server: LoggingServer): Statements
  /**
   * An SQL expression that makes the commit wait for the disk, whatever the settings of the role
   * are.
   */
  readonly durable: string
  /**
   * A statement that records in the lease of verifier `$1` that it has acknowledged request `$2`. A
   * crash of the database may lose it.
   */
  readonly acknowledge: string
  /**
   * Statements that raise the next change number above all numbers ever used, including those that
   * this database used before it was restored from a backup.
   */
  readonly raiseChanges: readonly string[]
  /**
   * A column of `latchkey_changes`, in whose order no row can still be committed below
   * `lowWaterMark`.
   */
  readonly changeOrder: string
  /** The least `changeOrder` that an open transaction may still commit. */
  readonly lowWaterMark: string
  /**
   * The changes that a statement sees, as the text `xmin:xmax:xip,…` in units of `changeOrder`. It
   * sees every committed change below `xmax`, except those in the list `xip`. It is an expression
   * of a `select` from `latchkey_history`.
   */
  readonly snapshot: string
  /**
   * A value above the `changeOrder` of every committed change, in an `update` of
   * `latchkey_history`.
   */
  readonly changesEnd: string
  /**
   * A value above the `epoch` of `latchkey_history`. Another copy of this database is unlikely to
   * choose the same one.
   */
  readonly nextEpoch: string
  /** Extends a statement that writes one row, so that it returns these expressions. */
  returning(statement: string, expressions: string): Statements
  /**
   * Extends a statement, so that the numbers in the column `written` of its rows add up to the
   * number of rows that it has written.
   */
  counted(statement: string): Statements
  /** The part of an `insert` before the assignments for a row that has this key already. */
  onConflict(key: string): string
  /** The part of an `insert` that leaves a row with this key as it is. */
  orKeep(key: string): string
  /** In an assignment after `onConflict`, the value that was to be inserted into the column. */
  inserted(column: string): string
  /** A statement that deletes the rows. */
  deleteUnlocked(rows: UnlockedRows): string
  /** The parameter as a whole number of 64 bits. */
  wholeNumber(parameter: string): string
  /** The smaller one of two numbers. */
  least(one: string, other: string): string
  /** The greater one of two numbers. */
  greatest(one: string, other: string): string
  /** A condition that is true for each element of the `list` that is bound to the parameter. */
  isAmong(parameter: string): string
  /** The same for numbers, in a form whose plan does not depend on them. */
  isAmongNumbers(parameter: string): string
  /** Values in the form that the parameter of `isAmong` and `isAmongNumbers` takes. */
  list(values: readonly string[]): unknown
}
