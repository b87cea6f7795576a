import type { SqlStore } from 'latchkey/sql'
import { hasWalResetFault } from 'latchkey/sqlite'
import { connectionRemedy } from '../../database/connection-remedy.js'
import { serverMigrations } from '../../database/migrations.js'
import { readSqliteVersion } from '../../database/sqlite-driver.js'
import { type Finding, fail, ok, warn } from './finding.js'

const leastPostgresMajor = 14
/** Tokens are accepted for this long after they expire, because clocks differ. */
const clockToleranceMs = 5000
const clockWarningMs = 1000

/**
 * Checks that the database answers, has this schema, can be written to, and that the clocks agree.
 * Changes nothing.
 */
export async function checkDatabase(store: SqlStore, place: string): Promise<Finding[]> {
  try {
    const began = performance.now()
    await store.query('select 1 as one')
    const answer = ok('database', `${place} answers in ${(performance.now() - began).toFixed(1)} ms`)
    const findings = store.dialect === 'postgres' ? await checkPostgres(store) : await checkSqlite(store)
    return [answer, ...findings, await checkSchema(store), await checkClock(store)]
  } catch (error) {
    return [fail('database', `${place} cannot be used`, connectionRemedy(error), error)]
  }
}

async function checkSqlite(store: SqlStore): Promise<Finding[]> {
  await store.transaction(async () => {})
  const version = await readSqliteVersion(store)
  const remedy = 'Use Node.js 24.21 or newer, or install this release anew with its dependencies.'
  return [
    hasWalResetFault(version)
      ? fail('database version', `SQLite ${version} can lose committed changes`, remedy)
      : ok('database version', `SQLite ${version}`),
    ok('database writing', 'this user can write'),
  ]
}

async function checkPostgres(store: SqlStore): Promise<Finding[]> {
  const { rows } = await store.query<Record<string, string | boolean>>(
    `select current_setting('server_version') as version, current_setting('server_version_num') as number,
       pg_is_in_recovery() as replica, current_setting('transaction_read_only') as reading,
       current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync,
       has_schema_privilege(current_schema(), 'create') as create`,
  )
  const [row = {}] = rows
  const findings: Finding[] = []
  const version = `PostgreSQL ${row.version}`
  if (Number(row.number) < leastPostgresMajor * 10_000) {
    findings.push(warn('database version', version, `Use PostgreSQL ${leastPostgresMajor} or newer.`))
  } else findings.push(ok('database version', version))
  if (row.replica === true || row.reading === 'on') {
    const remedy = 'Set DATABASE_URL to the primary: a replica cannot be written to, and its data may be old.'
    findings.push(fail('database writing', row.replica === true ? 'this is a replica' : 'it is read-only', remedy))
  } else if (row.create !== true) {
    const remedy = 'Make this user the owner of the database, or run "latchkey migrate" as the owner.'
    findings.push(warn('database writing', 'this user cannot create tables, which a new version may need', remedy))
  } else findings.push(ok('database writing', 'the primary, and this user can write'))
  if (row.commit === 'off' || row.fsync === 'off') {
    const remedy = 'Set synchronous_commit and fsync to on: a crash could undo a revocation that was acknowledged.'
    findings.push(fail('database durability', 'a crash can lose acknowledged commits', remedy))
  }
  return findings
}

async function checkSchema(store: SqlStore): Promise<Finding> {
  const remedy = 'Run "latchkey migrate", or start the server, which migrates as well.'
  const applied = await appliedMigrations(store).catch(() => undefined)
  if (applied === undefined) return warn('schema', 'there are no tables yet', remedy)
  const known = serverMigrations.migrations.length
  if (applied < known) return warn('schema', `older than this program (${applied} of ${known} migrations)`, remedy)
  if (applied === known) return ok('schema', `of this version (${known} migrations)`)
  return warn(
    'schema',
    `of a newer version (${applied} migrations, ${known} known)`,
    'Update this program to that version.',
  )
}

async function appliedMigrations(store: SqlStore): Promise<number> {
  const { rows } = await store.query<{ number: number | null }>(
    'select max(number) as number from latchkey_migrations where set_name = $1',
    [serverMigrations.name],
  )
  return rows[0]?.number ?? 0
}

async function checkClock(store: SqlStore): Promise<Finding> {
  if (store.dialect === 'sqlite') return ok('clock', `${new Date().toISOString()}, which the database uses as well`)
  const before = Date.now()
  const { rows } = await store.query<{ now: string | number }>(
    'select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now',
  )
  const after = Date.now()
  const theirs = Number(rows[0]?.now)
  // The database read its clock at some time between the two.
  const aheadMs = theirs < before ? theirs - before : Math.max(0, theirs - after)
  const detail =
    aheadMs === 0 ? 'agrees with the clock of the database' : `the clock of the database is ${aheadMs} ms ahead`
  const remedy = 'Synchronize the clocks of this machine and of the database by NTP.'
  if (Math.abs(aheadMs) > clockToleranceMs) return fail('clock', detail, remedy)
  return Math.abs(aheadMs) > clockWarningMs ? warn('clock', detail, remedy) : ok('clock', detail)
}
