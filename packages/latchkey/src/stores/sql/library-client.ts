import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { SqlClient } from './sql-client.js'

/**
 * Returns a client for the library's own statements. They are correct, so every error is reported
 * as one of the database's state.
 */
export function libraryClient(client: SqlClient): SqlClient {
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
      try {
        return await client.query<Row>(text, values)
      } catch (error) {
        throw isLatchkeyError(error) ? error : new LatchkeyError('store_unavailable', { cause: error })
      }
    },
  }
}
