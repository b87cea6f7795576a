import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { newestSqliteIndex, sqlitePadded, sqliteSchema } from './search-schema.js'

/** Rows that one transaction adds to the index; a few milliseconds of the event loop. */
const batchSize = 100

/**
 * Creates the index of search texts, and the indexes of the audit log and of sets of accounts.
 * Accounts that exist already are added by `fillSqliteSearch`.
 */
export async function createSqliteSearch(store: SqlStore): Promise<void> {
  if (await exists(store, newestSqliteIndex)) return
  await store.transaction(async (client) => {
    const hasSearch = await exists(client, 'server_search')
    for (const statement of sqliteSchema) await client.query(statement)
    if (hasSearch) return
    await client.query(
      `insert into server_search_progress (name, after)
       select 'accounts', '' where exists (select 1 from server_accounts) on conflict (name) do nothing`,
    )
  })
}

async function exists(client: SqlClient, name: string): Promise<boolean> {
  const { rows } = await client.query('select 1 from sqlite_schema where name = $1', [name])
  return rows.length > 0
}

/**
 * Adds the accounts of earlier versions to the index, in small transactions, so that requests are
 * answered meanwhile. Continues after an interruption. Each statement sees every account that was
 * created meanwhile, because a trigger adds it.
 */
export async function fillSqliteSearch(store: SqlStore, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await fillBatch(store))) await nextTurn()
}

async function fillBatch(store: SqlStore): Promise<boolean> {
  return store.transaction(async (client) => {
    const { rows: progress } = await client.query<{ after: string }>('select after from server_search_progress')
    const after = progress[0]?.after
    if (after === undefined) return false
    const { rows } = await client.query<{ id: string }>(
      `select id from server_accounts where id > $1 order by id limit ${batchSize}`,
      [after],
    )
    const last = rows.at(-1)?.id
    if (last === undefined) {
      await client.query('delete from server_search_progress')
      return false
    }
    const { rows: newest } = await client.query<{ number: number }>(
      'select coalesce(max(number), 0) as number from server_search_rows',
    )
    await client.query(
      `insert into server_search_rows (account_id) select id from server_accounts
       where id > $1 and id <= $2 and search_text is not null
         and not exists (select 1 from server_search_rows where account_id = id)`,
      [after, last],
    )
    await client.query(
      `insert into server_search (rowid, padded) select number, ${sqlitePadded}
       from server_search_rows join server_accounts on id = account_id where number > $1`,
      [newest[0]?.number ?? 0],
    )
    await client.query('update server_search_progress set after = $1', [last])
    return true
  })
}
