/** Whatever runs one SQL statement: a store, one of its open transactions, or a `PoolClient` of `pg`. */
export interface SqlClient {
  /**
   * Runs one statement of the subset that PostgreSQL and SQLite share; `$1`, `$2` stand for `values`, which are text, finite
   * numbers, `null` or bytes. Whole numbers come back as numbers. Fails with `store_unavailable` when the database cannot be reached;
   * what the database itself objects to is thrown as the driver throws it.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[] }>
}

/** Whether a statement failed because a row with that key exists already, in either database. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
}

/** The SQLSTATE or SQLite result code of an error; empty when it has none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
