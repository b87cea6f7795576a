import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import { schemaClient } from './library-client.js'
import type { MigrationSet } from './migration-set.js'
import type { SqlClient } from './sql-client.js'
import type { SqlConnection } from './sql-database.js'

/** The table of the applied migrations of all sets. */
export const migrationsTable = 'latchkey_migrations'

/**
 * Applies the missing migrations of the sets in the open transaction of `connection`. Applies none
 * if a newer program has migrated the database. Fails with `schema_too_new`.
 */
export async function applyMigrations(
  connection: SqlConnection,
  dialect: Dialect,
  sets: readonly MigrationSet[],
): Promise<void> {
  const client = schemaClient(connection, dialect)
  await connection.script(dialect.beginMigrations)
  await client.query(`create table if not exists ${migrationsTable} (
    set_name ${dialect.shortText} not null, number integer not null, name ${dialect.shortText} not null, applied_at bigint not null, runs_from integer,
    primary key (set_name, number))`)
  for (const set of sets) {
    const applied = await readApplied(client, set)
    for (const [index, migration] of set.migrations.entries()) {
      if (index < applied) continue
      await connection.script(migration.sql.replaceAll('{identity}', dialect.identity))
      await client.query(
        `insert into ${migrationsTable} (set_name, number, name, applied_at, runs_from) values ($1, $2, $3, ${dialect.nowMs}, $4)`,
        [set.name, index + 1, migration.name, migration.runsFrom ?? index + 1],
      )
    }
  }
  if (dialect.endMigrations !== '') await connection.script(dialect.endMigrations)
}

/** Returns the set with its tables in the schema of the store. */
export function inSchemaOf({ inSchema }: Pick<Dialect, 'inSchema'>, set: MigrationSet): MigrationSet {
  return { ...set, migrations: set.migrations.map((migration) => ({ ...migration, sql: inSchema(migration.sql) })) }
}

/** Returns whether all migrations of the sets are applied. Fails with `schema_too_new`. */
export async function areMigrated(client: SqlClient, sets: readonly MigrationSet[]): Promise<boolean> {
  try {
    for (const set of sets) await checkMigrated(client, set)
    return true
  } catch (error) {
    if (isLatchkeyError(error) && error.code === 'schema_missing') return false
    throw error
  }
}

/**
 * Fails with `schema_missing`, or with `schema_too_new` if a newer program has migrated the
 * database to a schema that this program cannot run on.
 */
export async function checkMigrated(client: SqlClient, set: MigrationSet): Promise<void> {
  const applied = await readApplied(client, set)
  if (applied < set.migrations.length) throw new LatchkeyError('schema_missing')
}

/**
 * Returns the number of applied migrations of the set, which may be greater than the number in the
 * set. Fails with `schema_too_new`.
 */
async function readApplied(client: SqlClient, { name, migrations }: MigrationSet): Promise<number> {
  const { rows } = await client.query<{ applied: number | null; needed: number | null }>(
    `select max(number) as applied, max(coalesce(runs_from, number)) as needed from ${migrationsTable} where set_name = $1`,
    [name],
  )
  const { applied, needed } = rows[0] ?? {}
  if ((needed ?? 0) > migrations.length) throw new LatchkeyError('schema_too_new')
  return applied ?? 0
}
