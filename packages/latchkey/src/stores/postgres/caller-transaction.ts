import { foreignClient } from '../sql/foreign-client.js'
import { sessionColumns } from '../sql/session-rows.js'
import type { SqlClient } from '../sql/sql-client.js'
import { changeColumns } from '../sql/tenant-changes.js'
import type { PostgresClient } from './postgres-client.js'
import { PostgresConnection } from './postgres-connection.js'
import { failureOf, sqlStateOf } from './postgres-failure.js'

/** The columns that the library reads from the rows of its client. */
const readColumns: readonly string[] = [...new Set([...changeColumns, ...sessionColumns])]

const noTransaction = '25P01'

/**
 * Returns a client for the transaction that the caller has begun: on a connection of `pg`, or with
 * another library. A statement that fails leaves the transaction as PostgreSQL does, failed until
 * the caller rolls it back.
 *
 * @throws TypeError if the value is no client, or if no transaction is open on it
 */
export async function callerTransaction(client: SqlClient): Promise<SqlClient> {
  if ('totalCount' in client) {
    throw new TypeError(
      'This client is a pool, which runs each statement alone: pass a client on which you have begun a transaction.',
    )
  }
  if (isPostgresClient(client)) return checked(new PostgresConnection(client))
  return withNamedColumns(await checked(foreignClient(client, { failureOf, noClient })))
}

function isPostgresClient(client: object): client is PostgresClient {
  return 'removeListener' in client && 'query' in client && typeof client.query === 'function'
}

/** Returns the client if a transaction is open on it, which a savepoint needs. */
async function checked(client: SqlClient): Promise<SqlClient> {
  try {
    await client.query('savepoint latchkey')
    await client.query('release savepoint latchkey')
    return client
  } catch (error) {
    if (sqlStateOf(error) !== noTransaction) throw error
    throw new TypeError('This client has no open transaction: begin one, and pass the client that belongs to it.')
  }
}

const noClient =
  'This client has no query() that returns { rows }: pass the transaction of your library through drizzleClient, kyselyClient, knexClient, postgresJsClient, prismaClient or typeormClient of latchkey/postgres.'

/**
 * Returns a client whose rows have the names of their columns, also if the library of the caller
 * changes names, for example to camel case. A row whose values are the names of its columns shows
 * how. A wrong name would make an existing tenant look absent.
 */
async function withNamedColumns(client: SqlClient): Promise<SqlClient> {
  const { rows } = await client.query(`select ${readColumns.map((name) => `'${name}' as ${name}`).join(', ')}`)
  const names = new Map(Object.entries(rows[0] ?? {}))
  const found = new Set(names.values())
  if (!readColumns.every((name) => found.has(name))) {
    throw new TypeError(
      'This client changes the values of rows, or returns none: pass one that returns them as they are.',
    )
  }
  if (readColumns.every((name) => names.get(name) === name)) return client
  const renamed = (row: object) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [String(names.get(name) ?? name), value]))
  return {
    async query<Row extends object>(text: string, values?: readonly unknown[]): Promise<{ rows: Row[] }> {
      const answer = await client.query(text, values)
      return { rows: answer.rows.map(renamed) as Row[] }
    },
  }
}
