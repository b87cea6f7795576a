import type { Dialect } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'

/** Where changes are announced: `version tenant`. */
export const changesChannel = 'latchkey_changes'

/** Where verifiers are asked whether they have heard of everything so far: `question channel`, the channel being where to answer. */
export const questionsChannel = 'latchkey_questions'

/** Any number that nobody else uses for an advisory lock: "latchkey" in ASCII. */
const migrationsLock = '7809651199139603833'

const changeNumbers = `pg_get_serial_sequence('latchkey_changes', 'seq')`

const nowMs = 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)'

/** Other tables of the same name have another number: those of a database that was restored from a dump. */
const table = "cast(cast('latchkey_history' as regclass) as oid)"

/**
 * Names the server by its system identifier, its timeline, which changes with each promotion and each recovery to a point in time, and the number of a table.
 * Fails on a replica.
 */
const serverName = `concat_ws('/', (select system_identifier from pg_control_system()),
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), ${table})`

export const postgresMark: ServerMark = { name: serverName, isHere: `server = ${serverName}` }

/** For servers that do not tell their timeline or their system identifier: those of some providers, which share one storage among their replicas. */
export const postgresTableMark: ServerMark = {
  name: `concat('//', ${table})`,
  isHere: `server like concat('%/', ${table}) and not pg_is_in_recovery()`,
}

/** What PostgreSQL says differently. */
export const postgresDialect: Dialect = {
  name: 'postgres',
  identity: 'bigint generated always as identity primary key',
  nowMs,
  forUpdate: 'for update',
  forUpdateUnlocked: 'for update skip locked',
  // Another process may be migrating for minutes.
  lockMigrations: `set local lock_timeout to 0; select pg_advisory_xact_lock(${migrationsLock})`,
  lockKeyPairs: 'lock table latchkey_key_pairs in share row exclusive mode',
  lockSettings: 'lock table latchkey_settings in share row exclusive mode',
  logChange: (epoch) => `
    with logged as (insert into latchkey_changes (tenant_id, at, transaction_id) values ($1, ${nowMs}, txid_current()) returning seq, tenant_id)
    select seq as version, ${epoch} as history, pg_notify('${changesChannel}', seq || ' ' || tenant_id) from logged`,
  // Microseconds: nobody makes a thousand changes in each millisecond for years.
  raiseChanges: [`select setval(${changeNumbers}, greatest(nextval(${changeNumbers}), ${nowMs} * 1000))`],
  // Numbers from a sequence are committed in any order; only the IDs of transactions tell which are still open.
  changeOrder: 'transaction_id',
  lowWaterMark: 'txid_snapshot_xmin(txid_current_snapshot())',
  changesEnd: 'txid_snapshot_xmax(txid_current_snapshot())',
  nextEpoch: `greatest(epoch, ${nowMs} * 1000) + 1 + cast(floor(random() * 1000000) as bigint)`,
  least: (one, other) => `least(${one}, ${other})`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  isAmong: (parameter) => `= any(${parameter})`,
  list: (values) => values,
}
