import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/** `client` for the library's own statements: as they are right, whatever goes wrong with them is the database's state. */
export function libraryClient(client: SqlClient, dialect: Dialect): SqlClient {
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
      try {
        return await client.query<Row>(text, values)
      } catch (error) {
        if (isLatchkeyError(error)) throw error
        const code = dialect.isMissingTable(error) ? 'schema_missing' : 'store_unavailable'
        throw new LatchkeyError(code, { cause: error })
      }
    },
  }
}
