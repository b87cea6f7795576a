/** One step of a schema, never changed once it was released. */
export interface Migration {
  /** What it does, in a few words. */
  readonly name: string
  /**
   * SQL statements in the subset that PostgreSQL and SQLite share, separated by `;`. `{identity}` stands for the type of a primary
   * key that the database counts up by itself and never gives out twice.
   */
  readonly sql: string
}

/** The schema of one part of a program, from its first version to its newest. */
export interface MigrationSet {
  /** Tells sets apart in one database; never changed. */
  readonly name: string
  /** Oldest first; the first one is number 1. */
  readonly migrations: readonly Migration[]
}
