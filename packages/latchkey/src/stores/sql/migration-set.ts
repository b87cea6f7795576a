/** One step of a schema. A released step never changes. */
export interface Migration {
  /** A short description. */
  readonly name: string
  /**
   * SQL statements in the subset that PostgreSQL and SQLite share, or in the SQL of MySQL,
   * separated by `;`. `{identity}` stands for the type of a primary key that the database counts up
   * and never reuses.
   */
  readonly sql: string
  /**
   * The number of migrations of its set that a program must know to run on the resulting schema. If
   * older programs can ignore the addition, use the number of the previous migration: old and new
   * programs can then run side by side during a deployment.
   *
   * @defaultValue the number of this migration, so that older programs refuse to run
   */
  readonly runsFrom?: number
}

/**
 * The schema of one part of a program, from its first version to its newest.
 *
 * @example
 * ```ts
 * import type { MigrationSet } from 'latchkey/sql'
 *
 * const notes: MigrationSet = {
 *   name: 'notes',
 *   migrations: [{ name: 'notes', sql: 'create table notes (id {identity}, body text)' }],
 * }
 * ```
 */
export interface MigrationSet {
  /** Identifies the set in its database; it must never change. */
  readonly name: string
  /** In order, oldest first: the first one is number 1. */
  readonly migrations: readonly Migration[]
}
