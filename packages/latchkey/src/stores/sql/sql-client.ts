/** Runs SQL statements: a store, one of its open transactions, or a `PoolClient` of `pg`. */
export interface SqlClient {
  /**
   * Runs one statement of the subset that PostgreSQL and SQLite share.
   *
   * @param text The statement, with `$1`, `$2`, … for the values.
   * @param values Texts, finite numbers, `null` or bytes.
   * @returns The rows. Whole numbers are returned as numbers.
   * @throws LatchkeyError `store_unavailable`, `store_busy`, `store_rights_missing`,
   * `schema_missing` or `data_corrupt` if the state of the database is the cause; for a wrong
   * statement, the error of the driver
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[] }>
}
