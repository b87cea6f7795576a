/** The few things that PostgreSQL and SQLite say differently. */
export interface Dialect {
  readonly name: 'postgres' | 'sqlite'
  /** The type of a primary key that counts up and is never given out twice. */
  readonly identity: string
  /** The time in milliseconds since 1970, by the database's clock. */
  readonly nowMs: string
  /** Ends a `select` so that its rows stay locked to the end of the transaction. */
  readonly forUpdate: string
  /** The same, passing over rows that another transaction has locked. */
  readonly forUpdateUnlocked: string
  /** A script that excludes other migrations, to the end of the transaction; empty where a transaction does that anyway. */
  readonly lockMigrations: string
  /** A statement that excludes other changes of the key pairs, likewise. */
  readonly lockKeyPairs: string
  /** A statement that excludes other changes of the settings, likewise. */
  readonly lockSettings: string
  /** Logs a change of tenant `$1` and announces it when the transaction commits; gives its number as `version`, and `epoch` as `history`. */
  logChange(epoch: string): string
  /** Statements after which the numbers of changes are above all that may ever have been given, also by this database before it was set back. */
  readonly raiseChanges: readonly string[]
  /** What orders the rows of `latchkey_changes` so that none can still be committed below the `lowWaterMark`. */
  readonly changeOrder: string
  /** The least `changeOrder` that a change not yet ended may have. */
  readonly lowWaterMark: string
  /** Above the `changeOrder` of every change that is committed. */
  readonly changesEnd: string
  /** Greater than the `epoch` of `latchkey_history`, and most likely other than any that another copy of this database comes to. */
  readonly nextEpoch: string
  /** The smaller one of two numbers. */
  least(one: string, other: string): string
  /** The greater one of two numbers. */
  greatest(one: string, other: string): string
  /** A condition that holds for any of the `list` bound to the parameter. */
  isAmong(parameter: string): string
  /** Values as the parameter of `isAmong` takes them. */
  list(values: readonly string[]): unknown
}
