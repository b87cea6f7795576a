import type { SqlClient } from '../../sql/sql-client.js'
import { translatedClient } from './translated-client.js'

/** A statement in the form that `executeQuery` of Kysely takes. */
export interface KyselyStatement {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly query: {
    readonly kind: 'RawNode'
    readonly sqlFragments: readonly string[]
    readonly parameters: readonly never[]
  }
  readonly queryId: { readonly queryId: string }
}

/** The part of a Kysely transaction that is used. */
export interface KyselyTransaction {
  withoutPlugins(): { executeQuery(statement: KyselyStatement): PromiseLike<{ readonly rows: readonly unknown[] }> }
}

/**
 * Returns the `client` of a transaction of Kysely on PostgreSQL. Its plugins, such as
 * `CamelCasePlugin`, do not see the statements of the library.
 *
 * @param trx The argument of the function that `db.transaction().execute` calls, or a controlled
 * transaction.
 * @example
 * ```ts
 * import { Kysely, PostgresDialect } from 'kysely'
 * import type { TenantSecrets } from 'latchkey'
 * import { kyselyClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 * import pg from 'pg'
 *
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
 * const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   await db.transaction().execute(async (trx) => {
 *     await keys.revoke(user, { client: kyselyClient(trx) })
 *   })
 * }
 * ```
 */
export function kyselyClient(trx: KyselyTransaction): SqlClient {
  return translatedClient({
    run: async (sql, parameters) => {
      const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] } as const
      const { rows } = await trx
        .withoutPlugins()
        .executeQuery({ sql, parameters, query, queryId: { queryId: 'latchkey' } })
      return rows
    },
  })
}
