import type { SqlClient } from '../../sql/sql-client.js'
import { memberOf, translatedClient } from './translated-client.js'

/** The part of a Knex transaction that is used. */
export interface KnexTransaction {
  raw(sql: string, bindings: readonly unknown[]): PromiseLike<unknown>
}

/**
 * Returns the `client` of a transaction of Knex on PostgreSQL, also of libraries over Knex, such as
 * Objection.
 *
 * @param trx The argument of the function that `knex.transaction` calls, or its result.
 * @example
 * ```ts
 * import knex from 'knex'
 * import type { TenantSecrets } from 'latchkey'
 * import { knexClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 *
 * const db = knex({ client: 'pg', connection: process.env.DATABASE_URL ?? '' })
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   await db.transaction(async (trx) => {
 *     await keys.revoke(user, { client: knexClient(trx) })
 *   })
 * }
 * ```
 */
export function knexClient(trx: KnexTransaction): SqlClient {
  return translatedClient({
    run: async (text, values) => {
      const { sql, bindings } = withQuestionMarks(text, values)
      return memberOf(await trx.raw(sql, bindings), 'rows')
    },
  })
}

/** Knex numbers its parameters itself, so that a value that is used twice is bound twice. */
function withQuestionMarks(text: string, values: readonly unknown[]): { sql: string; bindings: unknown[] } {
  const bindings: unknown[] = []
  const sql = text.replace(/\$(\d+)|\?/g, (found, number: string | undefined) => {
    if (number === undefined) return `\\${found}`
    bindings.push(values[Number(number) - 1])
    return '?'
  })
  return { sql, bindings }
}
