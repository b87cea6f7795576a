import type { Dialect, LogRowKind } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'
import { inSchema } from '../sql/in-schema.js'
import { schema as tables } from '../sql/schema.js'

/**
 * Returns the channel on which verifiers are notified of a committed row of the log. Payload of a
 * change: `number tenant`; of a request: empty.
 *
 * Each schema has a channel. That of `public` is also the one of stores without a schema, because
 * their tables are usually there.
 */
export function logChannel(schema: string | undefined): string {
  return schema === undefined || schema === 'public' ? 'latchkey_log' : `latchkey_log_${schema}`
}

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
 * Identifies the server: from version 15 on by the time at which its statistics began, which is
 * that of its last recovery from a crash or of its first start. After a crash, PostgreSQL may
 * assign transaction IDs and row numbers again whose commits had not reached the disk. Before
 * version 15 each look at the statistics reads a file, so the system identifier has to do.
 */
const server = `case when cast(current_setting('server_version_num') as integer) >= 150000
  then cast(extract(epoch from pg_stat_get_bgwriter_stat_reset_time()) as text)
  else (select cast(system_identifier as text) from pg_control_system()) end`

/**
 * Names the history by the server, its timeline, and the OID of a table. The timeline changes with
 * each promotion and each point-in-time recovery. Fails on a replica.
 */
const serverName = `concat_ws('/', ${server}, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), ${table})`

export const postgresMark: Omit<ServerMark, 'wake'> = { name: serverName, isHere: `server = ${serverName}` }

/**
 * For servers that do not show their timeline or system identifier: those of some cloud providers,
 * whose replicas share one storage.
 */
export const postgresTableMark: Omit<ServerMark, 'wake'> = {
  name: `concat('//', ${table})`,
  isHere: `server like concat('%/', ${table}) and not pg_is_in_recovery()`,
}

/**
 * Returns the SQL expression that notifies the verifiers on this channel. It is cast to text
 * because some clients, such as that of Prisma, cannot read a column of type `void`.
 */
export function notifyOn(channel: string): string {
  const payload = "case when is_request = 0 then seq || ' ' || tenant_id else '' end"
  return `cast(pg_notify('${channel}', ${payload}) as text)`
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

const durable =
  "case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end"

/** A crash may lose a request: its caller then waits until older data is too old to be used. */
const durability = { change: durable, request: "set_config('synchronous_commit', 'off', true)" } as const

/** Returns the SQL of PostgreSQL for a store in this schema, or in that of the `search_path`. */
export function postgresDialect(schema: string | undefined): Dialect<'postgres'> {
  const createSchema = schema === undefined ? '' : createIfMissing(schema)
  return {
    ...dialect,
    inSchema: schema === undefined ? dialect.inSchema : inSchema(`"${schema}"`),
    // Another process may be migrating for minutes.
    beginMigrations: `set local lock_timeout to 0; select pg_advisory_xact_lock(${migrationsLock}); ${createSchema}`,
  }
}

/**
 * The owner of the schema may lack the right to create another one, which `if not exists` needs.
 */
function createIfMissing(schema: string): string {
  return `do $$ begin
    if not exists (select from pg_namespace where nspname = '${schema}') then create schema "${schema}"; end if;
  end $$`
}

const dialect: Omit<Dialect<'postgres'>, 'beginMigrations'> = {
  name: 'postgres',
  inSchema: (statement) => statement,
  schema: tables,
  shortText: 'text',
  identity: 'bigint generated always as identity primary key',
  nowMs,
  forUpdate: 'for update',
  lockingRead: '',
  endMigrations: '',
  // Transaction IDs show which changes are still open, so that changes need no order.
  lockChanges: '',
  lockKeyPairs: 'lock table latchkey_key_pairs in share row exclusive mode',
  lockSettings: 'lock table latchkey_settings in share row exclusive mode',
  logRow: (kind, { epoch, wake }) => `
    with logged as (
      insert into latchkey_changes (tenant_id, at, transaction_id, is_request)
      values ($1, ${nowMs}, txid_current(), ${isRequest(kind)}) returning seq, tenant_id, at, is_request)
    select seq, ${epoch} as history, ${durability[kind]}, case when ${wakes(kind)} then ${wake} end from logged`,
  durable,
  acknowledge: `
    update latchkey_verifiers set acknowledged = $2 where verifier_id = $1 and acknowledged < $2
    returning set_config('synchronous_commit', 'off', true)`,
  // In microseconds: no database has a thousand changes in each millisecond for years.
  raiseChanges: [`select setval(${changeNumbers}, greatest(nextval(${changeNumbers}), ${nowMs} * 1000))`],
  // Numbers of a sequence are committed in any order; transaction IDs show which are still open.
  changeOrder: 'transaction_id',
  lowWaterMark: 'txid_snapshot_xmin(txid_current_snapshot())',
  snapshot: 'cast(txid_current_snapshot() as text)',
  changesEnd: 'txid_snapshot_xmax(txid_current_snapshot())',
  nextEpoch: `greatest(epoch, ${nowMs} * 1000) + 1 + cast(floor(random() * 1000000) as bigint)`,
  returning: (statement, expressions) => `${statement} returning ${expressions}`,
  counted: (statement) => `${statement} returning 1 as written`,
  onConflict: (key) => `on conflict (${key}) do update set`,
  orKeep: (key) => `on conflict (${key}) do nothing`,
  inserted: (column) => `excluded.${column}`,
  deleteUnlocked: ({ table, key, condition, limit = 'all' }) => {
    const columns = key.join(', ')
    return `delete from ${table} where (${columns}) in (select ${columns} from ${table} where ${condition} limit ${limit} for update skip locked)`
  },
  wholeNumber: (parameter) => `cast(${parameter} as bigint)`,
  least: (one, other) => `least(${one}, ${other})`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  isAmong: (parameter) => `= any(${parameter})`,
  // The planner does not see the value of a subquery, so it plans the statement only once.
  isAmongNumbers: (parameter) => `= any(cast((select cast(${parameter} as bigint[])) as bigint[]))`,
  list: (values) => values,
}
