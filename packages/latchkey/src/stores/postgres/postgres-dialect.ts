import type { Dialect } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'

/** The channel of changes. Payload: `version tenant`. */
export const changesChannel = 'latchkey_changes'

/**
 * The channel on which a process asks the verifiers to acknowledge all earlier changes. Payload:
 * `question channel`; the acknowledgement goes to that channel.
 */
export const questionsChannel = 'latchkey_questions'

/** The key of an advisory lock that other programs are unlikely to use: "latchkey" in ASCII. */
const migrationsLock = '7809651199139603833'

const changeNumbers = `pg_get_serial_sequence('latchkey_changes', 'seq')`

const nowMs = 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)'

/** The OID of the table. A database restored from a dump has another one. */
const table = "cast(cast('latchkey_history' as regclass) as oid)"

/**
 * Names the server by its system identifier, its timeline, and the OID of a table. The timeline
 * changes with each promotion and each point-in-time recovery. Fails on a replica.
 */
const serverName = `concat_ws('/', (select system_identifier from pg_control_system()),
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), ${table})`

export const postgresMark: ServerMark = { name: serverName, isHere: `server = ${serverName}` }

/**
 * For servers that do not show their timeline or system identifier: those of some cloud providers,
 * whose replicas share one storage.
 */
export const postgresTableMark: ServerMark = {
  name: `concat('//', ${table})`,
  isHere: `server like concat('%/', ${table}) and not pg_is_in_recovery()`,
}

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
  // In microseconds: no database has a thousand changes in each millisecond for years.
  raiseChanges: [`select setval(${changeNumbers}, greatest(nextval(${changeNumbers}), ${nowMs} * 1000))`],
  // Numbers of a sequence are committed in any order; transaction IDs show which are still open.
  changeOrder: 'transaction_id',
  lowWaterMark: 'txid_snapshot_xmin(txid_current_snapshot())',
  changesEnd: 'txid_snapshot_xmax(txid_current_snapshot())',
  nextEpoch: `greatest(epoch, ${nowMs} * 1000) + 1 + cast(floor(random() * 1000000) as bigint)`,
  least: (one, other) => `least(${one}, ${other})`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  isAmong: (parameter) => `= any(${parameter})`,
  list: (values) => values,
}
