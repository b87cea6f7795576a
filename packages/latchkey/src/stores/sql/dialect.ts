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

/** The SQL in which PostgreSQL and SQLite differ. */
export interface Dialect {
  readonly name: 'postgres' | 'sqlite'
  /**
   * Returns a statement of the library with its tables named in the schema of the store. A store
   * without a schema leaves the statement as it is. The statements of callers are never changed.
   */
  inSchema(statement: string): string
  /** The type of a primary key that counts up and never reuses a number. */
  readonly identity: string
  /** The time in milliseconds since 1970, by the database's clock. */
  readonly nowMs: string
  /** A suffix of `select` that locks its rows until the end of the transaction. */
  readonly forUpdate: string
  /** The same, but skips rows that another transaction has locked. */
  readonly forUpdateUnlocked: string
  /**
   * A script that excludes other migrations until the end of the transaction, unless every
   * transaction does, and creates the schema of the store if that is missing.
   */
  readonly beginMigrations: string
  /** A statement that excludes other changes of the key pairs; empty if every transaction does. */
  readonly lockKeyPairs: string
  /** A statement that excludes other changes of the settings; empty if every transaction does. */
  readonly lockSettings: string
  /**
   * A statement that adds a row of this kind to the log, about tenant `$1`, and wakes the verifiers
   * when the transaction commits. Returns its number as `seq`, and the epoch as `history`.
   */
  logRow(kind: LogRowKind, server: LoggingServer): string
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
   * sees every committed change below `xmax`, except those in the list `xip`.
   */
  readonly snapshot: string
  /** A value above the `changeOrder` of every committed change. */
  readonly changesEnd: string
  /**
   * A value above the `epoch` of `latchkey_history`. Another copy of this database is unlikely to
   * choose the same one.
   */
  readonly nextEpoch: string
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
