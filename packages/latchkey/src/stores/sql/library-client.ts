import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/**
 * Returns a client for the library's own statements, which finds their tables in the schema of the
 * store. The statements are correct, so every error is reported as one of the database's state.
 */
export function libraryClient(client: SqlClient, dialect: Pick<Dialect, 'inSchema'>): SqlClient {
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

/** Returns a client that finds the library's tables in the schema of the store. */
export function schemaClient(client: SqlClient, { inSchema }: Pick<Dialect, 'inSchema'>): SqlClient {
  return { query: (text, values) => client.query(inSchema(text), values) }
}
