import type { SqlClient, SqlStore } from 'latchkey/sql'
import { searchTextOf } from '../../src/accounts/search-text.js'

/** An account to insert without the cost of a password. */
export interface PlainAccount {
  readonly id: string
  readonly email: string
  readonly name: string | null
}

/** Returns an ID that is greater the greater `n` is. */
export function idOf(n: number): string {
  return `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
}

const batch = 5000

/** Inserts accounts, each with a tenant. */
export async function insertAccounts(store: SqlStore, accounts: readonly PlainAccount[]): Promise<void> {
  const columns = 'r(id text, email text, name text, text text)'
  const from =
    store.dialect === 'postgres'
      ? `json_to_recordset($1::json) as ${columns}`
      : `(select value ->> 'id' as id, value ->> 'email' as email, value ->> 'name' as name, value ->> 'text' as text
          from json_each($1)) as r`
  for (let at = 0; at < accounts.length; at += batch) {
    const rows = accounts.slice(at, at + batch).map((account) => ({ ...account, text: searchTextOf(account) }))
    const values = [JSON.stringify(rows)]
    await store.transaction(async (client) => {
      await client.query(
        `insert into latchkey_tenants (tenant_id, version, created_at, changed_at) select id, 1, 1, 1 from ${from}`,
        values,
      )
      await client.query(
        `insert into server_accounts (id, email, name, role, password_hash, created_at, search_text)
         select id, email, name, 'user', 'none', 1, text from ${from}`,
        values,
      )
    })
  }
}

/** The texts and values of statements. */
export type Statement = readonly [text: string, values: readonly unknown[]]

/** Returns the store with a record of the statements that are sent outside of transactions. */
export function recording(store: SqlStore): { readonly store: SqlStore; readonly statements: Statement[] } {
  const statements: Statement[] = []
  const query: SqlClient['query'] = (text, values = []) => {
    statements.push([text, values])
    return store.query(text, values)
  }
  const recorded = new Proxy(store, {
    get: (target, name) => {
      if (name === 'query') return query
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { store: recorded, statements }
}

/** Returns the plan of a statement as one text. */
export async function planOf(store: SqlStore, [text, values]: Statement): Promise<string> {
  const explain = store.dialect === 'postgres' ? 'explain' : 'explain query plan'
  const { rows } = await store.query<Record<string, unknown>>(`${explain} ${text}`, values)
  return rows.map((row) => String(row['QUERY PLAN'] ?? row.detail)).join('\n')
}
