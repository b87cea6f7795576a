/**
 * Runs SQL statements: a store, one of its open transactions, or a transaction of the caller's own
 * library. That is a `PoolClient` of `pg`, or any object with this method.
 */
export interface SqlClient {
  /**
   * Runs one statement of the subset that PostgreSQL and SQLite share.
   *
   * @param text The statement, with `$1`, `$2`, … for the values.
   * @param values Texts, finite numbers, `null` or bytes.
   * @returns The rows. A store returns whole numbers as numbers; a library of the caller may return
   * a bigint as text or as `bigint`.
   * @throws LatchkeyError `store_unavailable`, `store_busy`, `store_rights_missing`,
   * `schema_missing` or `data_corrupt` if the state of the database is the cause; for a wrong
   * statement, the error of the driver
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[] }>
}
