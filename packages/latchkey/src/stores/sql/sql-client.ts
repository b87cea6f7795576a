/** Whatever runs one SQL statement: a store, one of its open transactions, or a `PoolClient` of `pg`. */
export interface SqlClient {
  /**
   * Runs one statement of the subset that PostgreSQL and SQLite share; `$1`, `$2` stand for `values`, which are text, finite
   * numbers, `null` or bytes. Whole numbers come back as numbers. Fails with `store_unavailable`,
   * `store_busy`, `store_rights_missing`, `schema_missing` or `data_corrupt` where the state of the
   * database is the cause; what is wrong with the statement itself is thrown as the driver throws it.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[] }>
}
