import type { SqlClient } from '../sql/sql-client.js'
import type { Mysql2Connection, Mysql2PromiseConnection } from './mysql2.js'
import { runStatement } from './run-statement.js'

/**
 * Returns the `client` of a transaction that was begun on a connection of `mysql2`, of its API with
 * callbacks or with promises.
 *
 * @param connection A connection on which a transaction is open: one of a pool, or a single one.
 * @throws TypeError if the value is a pool, which runs each statement on any connection, or no
 * connection of `mysql2`
 * @example
 * ```ts
 * import type { TenantSecrets } from 'latchkey'
 * import { mysql2Client } from 'latchkey/mysql'
 * import type { SqlClient } from 'latchkey/sql'
 * import mysql from 'mysql2/promise'
 *
 * const pool = mysql.createPool(process.env.DATABASE_URL ?? '')
 * export async function signOut(keys: TenantSecrets<SqlClient>, user: string): Promise<void> {
 *   const connection = await pool.getConnection()
 *   try {
 *     await connection.beginTransaction()
 *     await connection.execute('update users set signed_out_at = now() where id = ?', [user])
 *     await keys.revoke(user, { client: mysql2Client(connection) })
 *     await connection.commit()
 *   } catch (error) {
 *     await connection.rollback()
 *     throw error
 *   } finally {
 *     connection.release()
 *   }
 * }
 * ```
 */
export function mysql2Client(connection: Mysql2Connection | Mysql2PromiseConnection): SqlClient {
  const core = coreOf(connection)
  return { query: (text, values = []) => runStatement(core, text, { values }) }
}

function coreOf(given: unknown): Mysql2Connection {
  const core = typeof given === 'object' && given !== null && 'connection' in given ? given.connection : given
  if (isConnection(core)) return core
  throw new TypeError(
    'mysql2Client needs a connection of mysql2 on which a transaction was begun, not a pool: call pool.getConnection().',
  )
}

function isConnection(value: unknown): value is Mysql2Connection {
  if (typeof value !== 'object' || value === null || 'getConnection' in value) return false
  return 'query' in value && 'execute' in value
}
