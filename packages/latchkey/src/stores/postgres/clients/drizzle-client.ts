import type { SqlClient } from '../../sql/sql-client.js'
import { memberOf, translatedClient } from './translated-client.js'

/** A statement that is complete already, where Drizzle takes one of its own `sql`. */
export interface DrizzleStatement {
  getSQL(): { toQuery(config: never): { sql: string; params: unknown[] } }
}

/** The part of a Drizzle transaction that is used. */
export interface DrizzleTransaction {
  execute(statement: DrizzleStatement | string): PromiseLike<unknown>
}

/**
 * Returns the `client` of a transaction of Drizzle on PostgreSQL, with any of its drivers that have
 * transactions.
 *
 * @param tx The argument of the function that `db.transaction` calls.
 * @example
 * ```ts
 * import { drizzle } from 'drizzle-orm/node-postgres'
 * import type { TenantSecrets } from 'latchkey'
 * import { drizzleClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 *
 * const db = drizzle(process.env.DATABASE_URL ?? '')
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   await db.transaction(async (tx) => {
 *     await keys.revoke(user, { client: drizzleClient(tx) })
 *   })
 * }
 * ```
 */
export function drizzleClient(tx: DrizzleTransaction): SqlClient {
  return translatedClient({
    run: async (sql, params) => {
      const result = await tx.execute({ getSQL: () => ({ toQuery: () => ({ sql, params }) }) })
      // Some of its drivers resolve to an object with the rows, others to a list of them.
      return memberOf(result, 'rows') ?? result
    },
    // Since 0.44, Drizzle wraps the error of the driver.
    driverError: (error) => memberOf(error, 'cause') ?? error,
  })
}
