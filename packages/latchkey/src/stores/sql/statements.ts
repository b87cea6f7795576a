import type { SqlClient } from './sql-client.js'

/**
 * One statement, or several that have its effect in one transaction: all take the same values, and
 * the rows are those of the last one.
 */
export type Statements = string | readonly string[]

/** Runs the statements in the open transaction of `client`. */
export async function runStatements<Row extends object>(
  client: SqlClient,
  statements: Statements,
  values?: readonly unknown[],
): Promise<{ rows: readonly Row[] }> {
  if (typeof statements === 'string') return client.query<Row>(statements, values)
  let rows: readonly Row[] = []
  for (const statement of statements) ({ rows } = await client.query<Row>(statement, values))
  return { rows }
}

/** The rows of a statement that `Dialect.counted` has extended. */
export interface Written {
  readonly written: number | string
}

/** Returns the number of rows that such a statement has written. */
export function sumOf(rows: readonly Written[]): number {
  return rows.reduce((sum, { written }) => sum + Number(written), 0)
}
