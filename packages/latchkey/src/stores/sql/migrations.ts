import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'
import type { SqlConnection } from './sql-database.js'

/** One step of a schema, never changed once it was released. */
export interface Migration {
  /** What it does, in a few words. */
  readonly name: string
  /**
   * SQL statements in the subset that PostgreSQL and SQLite share, separated by `;`. `{identity}` stands for the type of a primary
   * key that the database counts up by itself and never gives out twice.
   */
  readonly sql: string
  /**
   * How many migrations of its set a program must know to run on what this one makes: the number before this one's if it only adds what older
   * programs can ignore, which lets old and new ones run side by side while a deployment replaces them. Default: this one too, so that older programs refuse.
   */
  readonly runsFrom?: number
}

/** The schema of one part of a program, from its first version to its newest. */
export interface MigrationSet {
  /** Tells sets apart in one database; never changed. */
  readonly name: string
  /** Oldest first; the first one is number 1. */
  readonly migrations: readonly Migration[]
}

/** Applies what is missing of the sets, in the open transaction of `connection`: nothing where a newer program has been. Fails with `schema_too_new`. */
export async function applyMigrations(
  connection: SqlConnection,
  dialect: Dialect,
  sets: readonly MigrationSet[],
): Promise<void> {
  await connection.script(dialect.lockMigrations)
  await connection.query(`create table if not exists latchkey_migrations (
    set_name text not null, number integer not null, name text not null, applied_at bigint not null, runs_from integer,
    primary key (set_name, number))`)
  for (const set of sets) {
    const applied = await readApplied(connection, set)
    for (const [index, migration] of set.migrations.entries()) {
      if (index < applied) continue
      await connection.script(migration.sql.replaceAll('{identity}', dialect.identity))
      await connection.query(
        `insert into latchkey_migrations (set_name, number, name, applied_at, runs_from) values ($1, $2, $3, ${dialect.nowMs}, $4)`,
        [set.name, index + 1, migration.name, migration.runsFrom ?? index + 1],
      )
    }
  }
}

/** Returns whether nothing is missing of the sets. Fails with `schema_too_new`. */
export async function areMigrated(client: SqlClient, sets: readonly MigrationSet[]): Promise<boolean> {
  try {
    for (const set of sets) await checkMigrated(client, set)
    return true
  } catch (error) {
    if (isLatchkeyError(error) && error.code === 'schema_missing') return false
    throw error
  }
}

/** Fails with `schema_missing`, or with `schema_too_new` where it was migrated further, to what this program cannot run on. */
export async function checkMigrated(client: SqlClient, set: MigrationSet): Promise<void> {
  const applied = await readApplied(client, set)
  if (applied < set.migrations.length) throw new LatchkeyError('schema_missing')
}

/** How many migrations of the set are applied, which may be more than it has. Fails with `schema_too_new`. */
async function readApplied(client: SqlClient, { name, migrations }: MigrationSet): Promise<number> {
  const { rows } = await client.query<{ applied: number | null; needed: number | null }>(
    'select max(number) as applied, max(coalesce(runs_from, number)) as needed from latchkey_migrations where set_name = $1',
    [name],
  )
  const { applied, needed } = rows[0] ?? {}
  if ((needed ?? 0) > migrations.length) throw new LatchkeyError('schema_too_new')
  return applied ?? 0
}
