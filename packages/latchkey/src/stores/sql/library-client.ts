import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/**
 * Returns a client for the library's own statements, which finds their tables in the schema of the
 * store. The statements are correct, so every error is reported as one of the database's state.
 */
export function libraryClient(client: SqlClient, dialect: Pick<Dialect, 'inSchema' | 'codec'>): SqlClient {
  const placed = schemaClient(client, dialect)
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
      try {
        return await placed.query<Row>(text, values)
      } catch (error) {
        throw isLatchkeyError(error) ? error : new LatchkeyError('store_unavailable', { cause: error })
      }
    },
  }
}

/**
 * Returns a client that finds the library's tables in the schema of the store, and converts the
 * values of its statements for the driver.
 */
export function schemaClient(client: SqlClient, { inSchema, codec }: Pick<Dialect, 'inSchema' | 'codec'>): SqlClient {
  if (codec === undefined) return { query: (text, values) => client.query(inSchema(text), values) }
  const { encode, decode } = codec
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
      const { rows } = await client.query<Row>(inSchema(text), values?.map(encode))
      return { rows: rows.map((row) => decodedRow(row, decode)) }
    },
  }
}

function decodedRow<Row extends object>(row: Row, decode: (value: unknown) => unknown): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, decode(value)])) as Row
}
