import { LatchkeyError } from '../../errors.js'
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
}

/** The schema of one part of a program, from its first version to its newest. */
export interface MigrationSet {
  /** Tells sets apart in one database; never changed. */
  readonly name: string
  /** Oldest first; the first one is number 1. */
  readonly migrations: readonly Migration[]
}

/** Applies what is missing of the sets, in the open transaction of `connection`. Fails with `schema_too_new`. */
export async function applyMigrations(
  connection: SqlConnection,
  dialect: Dialect,
  sets: readonly MigrationSet[],
): Promise<void> {
  await connection.script(dialect.lockMigrations)
  await connection.query(`create table if not exists latchkey_migrations (
    set_name text not null, number integer not null, name text not null, applied_at bigint not null, primary key (set_name, number))`)
  for (const set of sets) {
    const applied = await appliedNumber(connection, set.name)
    if (applied > set.migrations.length) throw new LatchkeyError('schema_too_new')
    for (const [index, migration] of set.migrations.entries()) {
      if (index < applied) continue
      await connection.script(migration.sql.replaceAll('{identity}', dialect.identity))
      await connection.query(
        `insert into latchkey_migrations (set_name, number, name, applied_at) values ($1, $2, $3, ${dialect.nowMs})`,
        [set.name, index + 1, migration.name],
      )
    }
  }
}

/** Fails with `schema_missing` or `schema_too_new` unless the set is applied to its end and no further. */
export async function checkMigrated(client: SqlClient, set: MigrationSet): Promise<void> {
  const applied = await appliedNumber(client, set.name)
  if (applied < set.migrations.length) throw new LatchkeyError('schema_missing')
  if (applied > set.migrations.length) throw new LatchkeyError('schema_too_new')
}

async function appliedNumber(client: SqlClient, setName: string): Promise<number> {
  const { rows } = await client.query<{ number: number | null }>(
    'select max(number) as number from latchkey_migrations where set_name = $1',
    [setName],
  )
  return rows[0]?.number ?? 0
}
