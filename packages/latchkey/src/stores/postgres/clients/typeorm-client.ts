import type { SqlClient } from '../../sql/sql-client.js'
import { memberOf, translatedClient } from './translated-client.js'

/** The part of a TypeORM query runner that is used. */
export interface TypeormQueryRunner {
  query(text: string, values: unknown[], useStructuredResult: true): PromiseLike<unknown>
}

/** The part of a TypeORM entity manager that is used. */
export interface TypeormManager {
  readonly queryRunner?: TypeormQueryRunner | undefined
}

/**
 * Returns the `client` of a transaction of TypeORM on PostgreSQL.
 *
 * @param transaction The manager that `dataSource.transaction` passes to its work, or a query
 * runner on which a transaction was started.
 * @throws TypeError if the manager belongs to no transaction
 * @example
 * ```ts
 * import type { TenantSecrets } from 'latchkey'
 * import { typeormClient } from 'latchkey/postgres'
 * import type { SqlClient } from 'latchkey/sql'
 * import { DataSource } from 'typeorm'
 *
 * const database = new DataSource({ type: 'postgres', url: process.env.DATABASE_URL ?? '' })
 * await database.initialize()
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   await database.transaction(async (manager) => {
 *     await keys.revoke(user, { client: typeormClient(manager) })
 *   })
 * }
 * ```
 */
export function typeormClient(transaction: TypeormManager | TypeormQueryRunner): SqlClient {
  const runner = runnerOf(transaction)
  return translatedClient({
    run: async (text, values) => memberOf(await runner.query(text, values, true), 'records'),
    driverError: (error) => memberOf(error, 'driverError') ?? error,
  })
}

function isQueryRunner(value: unknown): value is TypeormQueryRunner {
  return typeof memberOf(value, 'query') === 'function'
}

function runnerOf(transaction: TypeormManager | TypeormQueryRunner): TypeormQueryRunner {
  const runner = 'queryRunner' in transaction ? transaction.queryRunner : transaction
  if (isQueryRunner(runner)) return runner
  throw new TypeError(
    'This manager belongs to no transaction: pass the one that dataSource.transaction passes to its work.',
  )
}
