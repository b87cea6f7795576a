import { foreignClient } from '../sql/foreign-client.js'
import type { SqlClient } from '../sql/sql-client.js'
import { errorNumberOf, failureOf } from './mysql-failure.js'

const noSuchSavepoint = 1305

/** Modes in which MySQL refuses a value that is too long for its column. */
const strictModes = /\bSTRICT_(?:ALL|TRANS)_TABLES\b/

/**
 * Runs `work` in the transaction that the caller has begun. If it fails, the transaction is as it
 * was before, unless the server has rolled it back: the caller must roll back.
 *
 * @throws TypeError if the value is no client, or if no transaction is open on it
 */
export async function inCallerTransaction<T>(client: SqlClient, work: (open: SqlClient) => Promise<T>): Promise<T> {
  const open = checkedClient(client)
  await beginPart(open)
  const restore = await makeStrict(open)
  try {
    const result = await work(open)
    await open.query('release savepoint latchkey')
    return result
  } catch (error) {
    // The first error is reported; a deadlock has ended the savepoint already.
    await open.query('rollback to savepoint latchkey').catch(() => {})
    throw error
  } finally {
    await restore().catch(() => {})
  }
}

/** Begins a part of the transaction. Without one, MySQL forgets a savepoint at once. */
async function beginPart(open: SqlClient): Promise<void> {
  try {
    await open.query('savepoint latchkey')
    await open.query('rollback to savepoint latchkey')
  } catch (error) {
    if (errorNumberOf(error) !== noSuchSavepoint) throw error
    throw new TypeError('This client has no open transaction: begin one, and pass the client that belongs to it.')
  }
}

/** Makes the session strict. Returns a function that restores it. */
async function makeStrict(open: SqlClient): Promise<() => Promise<void>> {
  const { rows } = await open.query<{ mode: string }>('select @@sql_mode as mode')
  const mode = String(rows[0]?.mode)
  if (strictModes.test(mode)) return async () => {}
  await open.query("set sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')")
  return async () => void (await open.query('set sql_mode = $1', [mode]))
}

function checkedClient(client: SqlClient): SqlClient {
  // Objects of mysql2 have the method as well, with other arguments and results.
  if ('execute' in client) throw new TypeError(noClient)
  return foreignClient(client, { failureOf, noClient })
}

const noClient =
  'This client has no query() that returns { rows }: pass a connection of mysql2 through mysql2Client of latchkey/mysql.'
