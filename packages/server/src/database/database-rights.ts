import type { SqlStore } from 'latchkey/sql'
import { StartupFailure } from '../startup-failure.js'

/** What a server needs to do with the rows of every table; PostgreSQL's names of these rights. */
const needed = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

/** The role of a connection, and the schema in which it finds tables, as SQL says them. */
interface Place {
  readonly role: string
  readonly schema: string
}

/**
 * Throws `database_rights_missing` where the role lacks a right to a table of ours, so that a server
 * does not start which would fail at some requests. On SQLite there are no rights.
 */
export async function checkRights(store: SqlStore, place: string): Promise<void> {
  if (store.dialect === 'sqlite') return
  const lacks = needed.map((right) => `case when not has_table_privilege(oid, '${right}') then '${right}' end`)
  const { rows } = await store.query<{ name: string; lacking: string }>(
    `select name, lacking from (
       select cast(oid as regclass) as name, concat_ws(', ', ${lacks.join(', ')}) as lacking from pg_class
       where relkind in ('r', 'p') and pg_table_is_visible(oid) and (relname like 'latchkey\\_%' or relname like 'server\\_%')
     ) as tables where lacking <> '' order by 1`,
  )
  if (rows.length === 0) return
  const missing = rows.map(({ name, lacking }) => `${lacking} on ${name}`).join('; ')
  throw await rightsMissing(store, { what: `It lacks ${missing}.`, place })
}

/** Returns the failure to start with, which says what to grant. `what`: what the role may not do. */
export async function rightsMissing(
  store: SqlStore,
  { what, place, cause }: { readonly what: string; readonly place: string; readonly cause?: Error },
): Promise<StartupFailure> {
  const { role, schema } = await readPlace(store)
  const hint = [
    'Run "latchkey migrate" once with the owner of the tables in DATABASE_URL, which then does this for the server:',
    `GRANT USAGE ON SCHEMA ${schema} TO ${role};`,
    `GRANT ${needed.join(', ')} ON ALL TABLES IN SCHEMA ${schema} TO ${role};`,
    `GRANT UPDATE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};`,
  ].join('\n    ')
  return new StartupFailure(
    'database_rights_missing',
    `The role ${role} may not do in ${place} what a server needs. ${what}`,
    hint,
    cause,
  )
}

async function readPlace(store: SqlStore): Promise<Place> {
  // A role that may use no schema of its search path has no current one.
  const { rows } = await store.query<Place>(
    "select quote_ident(current_user) as role, quote_ident(coalesce(current_schema(), 'public')) as schema",
  )
  return rows[0] ?? { role: 'current_user', schema: 'public' }
}
