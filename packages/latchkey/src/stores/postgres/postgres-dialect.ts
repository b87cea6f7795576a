import type { Dialect, LogRowKind } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'

/** The channel on which a committed row of the log wakes the verifiers. It has no payload. */
export const logChannel = 'latchkey_log'

/**
 * The number of verifiers up to which every row of the log wakes them. PostgreSQL wakes each
 * listening connection for each notification, so that a burst of changes would cost the most where
 * most processes verify.
 */
const wokenByEveryRow = 100

/** Rows per second that wake this many further verifiers. */
const wakeBudget = 4000

/** The key of an advisory lock that other programs are unlikely to use: "latchkey" in ASCII. */
const migrationsLock = '7809651199139603833'

const changeNumbers = `pg_get_serial_sequence('latchkey_changes', 'seq')`

const nowMs = 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)'

/** The OID of the table. A database restored from a dump has another one. */
const table = "cast(cast('latchkey_history' as regclass) as oid)"

/**
 * The time of the last recovery from a crash, which resets the statistics. After it, PostgreSQL may
 * assign transaction IDs and row numbers again whose commits had not reached the disk. Null before
 * version 15, where each look at the statistics reads a file.
 */
const crashTime = `case when cast(current_setting('server_version_num') as integer) >= 150000
  then extract(epoch from pg_stat_get_bgwriter_stat_reset_time()) end`

/**
 * Names the server by its system identifier, its timeline, its last crash, and the OID of a table.
 * The timeline changes with each promotion and each point-in-time recovery. Fails on a replica.
 */
const serverName = `concat_ws('/', (select system_identifier from pg_control_system()),
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), ${crashTime}, ${table})`

const notify = `pg_notify('${logChannel}', '')`

export const postgresMark: ServerMark = { name: serverName, isHere: `server = ${serverName}`, wake: notify }

/**
 * For servers that do not show their timeline or system identifier: those of some cloud providers,
 * whose replicas share one storage.
 */
export const postgresTableMark: ServerMark = {
  name: `concat('//', ${table})`,
  isHere: `server like concat('%/', ${table}) and not pg_is_in_recovery()`,
  wake: notify,
}

/**
 * An SQL condition on `logged`, a new row of this kind: verifiers must be woken for it. In a burst
 * of changes, a few wake them and the others are read at the next interval.
 */
const wakes = (kind: LogRowKind) => `not exists (
  select from latchkey_changes c
  where c.at > logged.at - (select greatest(0, count(*) - ${wokenByEveryRow}) * 1000 / ${wakeBudget} from latchkey_verifiers)
    and c.at <= logged.at and c.is_request = ${isRequest(kind)})`

const isRequest = (kind: LogRowKind) => (kind === 'request' ? 1 : 0)

/**
 * An SQL expression that makes the commit of a change wait for the disk, whatever the settings of
 * the role are: a crash must not lose a change that was acknowledged. The loss of a request does
 * not matter.
 */
const durability = {
  change:
    "case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end",
  request: "set_config('synchronous_commit', 'off', true)",
} as const

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
  logRow: (kind, { epoch, wake }) => `
    with logged as (
      insert into latchkey_changes (tenant_id, at, transaction_id, is_request)
      values ($1, ${nowMs}, txid_current(), ${isRequest(kind)}) returning seq, at)
    select seq, ${epoch} as history, ${durability[kind]}, case when ${wakes(kind)} then ${wake} end from logged`,
  acknowledge: `
    with quickly as (select set_config('synchronous_commit', 'off', true))
    update latchkey_verifiers set acknowledged = $2 from quickly where verifier_id = $1 and acknowledged < $2`,
  // In microseconds: no database has a thousand changes in each millisecond for years.
  raiseChanges: [`select setval(${changeNumbers}, greatest(nextval(${changeNumbers}), ${nowMs} * 1000))`],
  // Numbers of a sequence are committed in any order; transaction IDs show which are still open.
  changeOrder: 'transaction_id',
  lowWaterMark: 'txid_snapshot_xmin(txid_current_snapshot())',
  snapshot: 'cast(txid_current_snapshot() as text)',
  changesEnd: 'txid_snapshot_xmax(txid_current_snapshot())',
  nextEpoch: `greatest(epoch, ${nowMs} * 1000) + 1 + cast(floor(random() * 1000000) as bigint)`,
  least: (one, other) => `least(${one}, ${other})`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  isAmong: (parameter) => `= any(${parameter})`,
  list: (values) => values,
}
