import type { SqlClient } from '../../sql/sql-client.js'
import { translatedClient } from './translated-client.js'

/** The part of a transaction of postgres.js that is used. */
export interface PostgresJsTransaction {
  unsafe(text: string, values: never[]): PromiseLike<unknown>
}

/**
 * Returns the `client` of a transaction of postgres.js (the package `postgres`).
 *
 * @param sql The argument of the function that `sql.begin` calls, not the `sql` of the pool.
 * @example
 * ```ts
 * import type { TenantSecrets } from 'latchkey'
 * import { postgresJsClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 * import postgres from 'postgres'
 *
 * const sql = postgres(process.env.DATABASE_URL ?? '')
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   await sql.begin(async (sql) => {
 *     await keys.revoke(user, { client: postgresJsClient(sql) })
 *   })
 * }
 * ```
 */
export function postgresJsClient(sql: PostgresJsTransaction): SqlClient {
  // The text has no value in it: values are sent as parameters.
  return translatedClient({ run: (text, values) => sql.unsafe(text, values as never[]) })
}
