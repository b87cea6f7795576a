import { isLatchkeyError } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import type { Client } from 'pg'
import { type LargeIndex, largeIndexes, trigramFunction } from './search-schema.js'

/** Up to this number of rows, an index is built in milliseconds, and writers may wait for it. */
const maxRowsAtOnce = 5000

/** Serialises servers that start at the same moment. Any number that nothing else uses. */
const buildLock = 7_238_114_902_641

/**
 * Builds the missing indexes of small tables, and with them those of a new database. Large tables
 * are left to `buildPostgresIndexes`. A role that may not create indexes is no failure: the owner's
 * `latchkey migrate` builds them, and lists work without them.
 */
export async function buildSmallIndexes(store: SqlStore): Promise<void> {
  try {
    if ((await missingIndexes(store)).length === 0) return
    await store.transaction(async (client) => {
      await client.query(`select pg_advisory_xact_lock(${buildLock})`)
      const missing = await missingIndexes(client)
      const small: LargeIndex[] = []
      for (const index of missing) if (await isSmall(client, index)) small.push(index)
      if (small.length > 0) await client.query(trigramFunction)
      for (const { name, on } of small) await client.query(`create index if not exists ${name} on ${on}`)
    })
  } catch (error) {
    if (!(isLatchkeyError(error) && mayWait.includes(error.code))) throw error
  }
}

/** Failures after which another attempt may succeed. */
const mayWait: readonly string[] = ['store_rights_missing', 'store_busy']

/**
 * Builds the missing indexes of tables of any size with `create index concurrently`, so that reads
 * and writes go on meanwhile: minutes for a million accounts. `client` has no open transaction.
 * Returns the names of indexes that are still missing, because another process is building on the
 * same table.
 *
 * @throws the error of `pg`: 42501 if the role may not create indexes
 */
export async function buildPostgresIndexes(client: Client): Promise<readonly string[]> {
  // The connection serves this alone, and a build waits for the transactions that are open.
  await client.query('set statement_timeout = 0')
  await client.query('set lock_timeout = 0')
  const missing = await missingIndexes(client)
  if (missing.length > 0) await client.query(trigramFunction)
  for (const index of missing) await build(client, index)
  return (await missingIndexes(client)).map(({ name }) => name)
}

async function build(client: Client, { name, table, on }: LargeIndex): Promise<void> {
  if (await isBusy(client, table)) return
  await dropInvalid(client, { name, table })
  try {
    await client.query(`create index concurrently if not exists ${name} on ${on}`)
    // The statistics of an indexed expression, without which a plan is a guess.
    await client.query(`analyze ${table}`)
  } catch (error) {
    // Another process has created it in the same instant.
    if (!isDuplicate(error)) throw error
  }
}

/** Returns whether the table is being indexed, vacuumed or analysed. */
async function isBusy(client: SqlClient, table: string): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_locks where relation = to_regclass($1) and mode = 'ShareUpdateExclusiveLock'
     and database = (select oid from pg_database where datname = current_database())`,
    [table],
  )
  return rows.length > 0
}

/** Drops what an interrupted build has left. The lock shows that no build is running. */
async function dropInvalid(client: Client, { name, table }: Pick<LargeIndex, 'name' | 'table'>): Promise<void> {
  await client.query('begin')
  try {
    await client.query(`lock table ${table} in share update exclusive mode`)
    const { rows } = await client.query(
      'select 1 from pg_index where indexrelid = to_regclass($1) and not indisvalid',
      [name],
    )
    if (rows.length > 0) {
      // Waits for the lock of every reader, and stops later ones while it waits.
      await client.query("set local lock_timeout = '1s'")
      await client.query(`drop index ${name}`)
    }
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Returns the indexes that do not exist, or are not built to their end. */
export async function missingIndexes(client: SqlClient): Promise<readonly LargeIndex[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class join pg_index on indexrelid = pg_class.oid
     where indisvalid and pg_table_is_visible(indrelid) and relname like 'server\\_%'`,
  )
  const valid = new Set(rows.map(({ name }) => name))
  return largeIndexes.filter(({ name }) => !valid.has(name))
}

async function isSmall(client: SqlClient, { table }: LargeIndex): Promise<boolean> {
  const { rows } = await client.query(`select 1 from ${table} offset ${maxRowsAtOnce} limit 1`)
  return rows.length === 0
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '42P07' || error.code === '23505')
}
