import type { SqlStore } from 'latchkey/sql'
import { StartupFailure } from '../startup-failure.js'

/** The rights that a server needs on every table. */
const needed = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

/** The role and the schema of a connection, quoted for SQL. */
interface Grantee {
  readonly role: string
  readonly schema: string
}

/**
 * Throws `database_rights_missing` if the role lacks a right on a table of Latchkey, so that a
 * server does not start if some requests would fail. SQLite has no rights.
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

/**
 * Returns the start-up failure with the statements that grant the rights. `what`: the missing
 * rights.
 */
export async function rightsMissing(
  store: SqlStore,
  { what, place, cause }: { readonly what: string; readonly place: string; readonly cause?: Error },
): Promise<StartupFailure> {
  const { role, schema } = await readGrantee(store)
  const hint = [
    'Run "latchkey migrate" once with the owner of the tables in DATABASE_URL. Then run these statements:',
    `GRANT USAGE ON SCHEMA ${schema} TO ${role};`,
    `GRANT ${needed.join(', ')} ON ALL TABLES IN SCHEMA ${schema} TO ${role};`,
    `GRANT UPDATE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${role};`,
  ].join('\n    ')
  return new StartupFailure(
    'database_rights_missing',
    `The role ${role} lacks rights in ${place} that a server needs. ${what}`,
    hint,
    cause,
  )
}

async function readGrantee(store: SqlStore): Promise<Grantee> {
  // `current_schema()` is null if the role may use no schema of its search path.
  const { rows } = await store.query<Grantee>(
    "select quote_ident(current_user) as role, quote_ident(coalesce(current_schema(), 'public')) as schema",
  )
  return rows[0] ?? { role: 'current_user', schema: 'public' }
}
