import type { Dialect, LogRowKind, UnlockedRows } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'
import { inSchema } from '../sql/in-schema.js'
import { mysqlSchema } from './mysql-schema.js'

/** The time of the statement in microseconds since 1970, whatever the time zone of the session. */
const nowUs = "timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', utc_timestamp(6))"

const nowMs = `${nowUs} div 1000`

/**
 * The server accepts writes. A user with special rights could write on a replica as well, where the
 * change would be lost. MariaDB 12 shows the variable as a text.
 */
const isWritable = "concat(@@global.read_only) in ('0', 'OFF')"

/** Servers of one replication have different IDs; copies of one machine, different names. */
const ownName = ['@@server_id', '@@hostname', '@@port']

/** Returns the SQL that identifies the server. Only MySQL has a `server_uuid`. */
export function mysqlMark(hasUuid: boolean): ServerMark {
  const name = `concat_ws('/', ${(hasUuid ? ['@@server_uuid', ...ownName] : ownName).join(', ')})`
  // The column refuses null, so that no epoch begins on a replica.
  return {
    name: `case when ${isWritable} then ${name} end`,
    isHere: `(server = ${name} and ${isWritable})`,
    wake: 'null',
  }
}

/** One row, which each change locks and then updates. */
const lockLog = 'select epoch from latchkey_history where id = 1 for update'

const isRequest = (kind: LogRowKind) => (kind === 'request' ? 1 : 0)

/**
 * The number of the next change: above all earlier ones, and above those of commits that a crash, a
 * failover or a restore has undone, because numbers are times in microseconds.
 */
const nextChange = `greatest(last_change + 1, ${nowUs})`

/**
 * The limit keeps the optimizer from merging the list of keys with the table, where MySQL does not
 * accept it.
 */
const everyRow = '18446744073709551615'

/** Returns the SQL of MySQL and MariaDB for a store in this database, or in the selected one. */
export function mysqlDialect(database: string | undefined): Dialect<'mysql'> {
  const place = database === undefined ? (statement: string) => statement : inSchema(`\`${database}\``)
  // Names of locks belong to the server, and have at most 64 characters.
  const lock = `concat('latchkey/', ${database === undefined ? 'database()' : `'${database}'`})`
  return {
    ...dialect,
    inSchema: place,
    // Another process may be migrating for minutes. Statements that define tables commit, so that
    // no lock of a transaction could last until the end.
    beginMigrations: `do get_lock(left(${lock}, 64), 3600)`,
    endMigrations: `do release_lock(left(${lock}, 64)); start transaction read write`,
  }
}

const dialect: Omit<Dialect<'mysql'>, 'inSchema' | 'beginMigrations' | 'endMigrations'> = {
  name: 'mysql',
  schema: mysqlSchema,
  // As bytes, texts need no collation and no character set: none may make two tenants equal, nor
  // lose a character that the session of a caller does not have.
  codec: {
    encode: (value) => {
      if (typeof value === 'string') return Buffer.from(value)
      return Array.isArray(value) ? value.map((one) => Buffer.from(String(one))) : value
    },
    decode: (value) => (Buffer.isBuffer(value) ? value.toString() : value),
  },
  identity: 'bigint auto_increment primary key',
  shortText: 'varbinary(255)',
  nowMs,
  forUpdate: 'for update',
  // A plain `select` in a caller's transaction may read a snapshot that is older than its locks.
  lockingRead: 'for update',
  lockChanges: lockLog,
  lockKeyPairs: lockLog,
  lockSettings: lockLog,
  logRow: (kind, { epoch }) => [
    // The column refuses null: a replica, or an old primary that only reads, logs no change.
    `update latchkey_history set last_change = case when ${isWritable} then ${nextChange} end`,
    `insert into latchkey_changes (seq, tenant_id, at, is_request)
     select last_change, $1, ${nowMs}, ${isRequest(kind)} from latchkey_history`,
    `select last_change as seq, ${epoch} as history from latchkey_history`,
  ],
  durable: 'null',
  acknowledge: 'update latchkey_verifiers set acknowledged = $2 where verifier_id = $1 and acknowledged < $2',
  raiseChanges: [`update latchkey_history set last_change = ${nextChange}`],
  // The lock is held until the commit, so that numbers are committed in their order.
  changeOrder: 'seq',
  lowWaterMark: '(select last_change + 1 from latchkey_history)',
  snapshot: "concat(last_change + 1, ':', last_change + 1, ':')",
  changesEnd: 'last_change + 1',
  nextEpoch: `greatest(epoch, ${nowUs}) + 1 + cast(floor(rand() * 1000000) as signed)`,
  returning: (statement, expressions) => [statement, `select ${expressions}`],
  // The rows that it found, or those that it changed: a session of a caller chooses.
  counted: (statement) => [statement, 'select row_count() as written'],
  onConflict: () => 'on duplicate key update',
  orKeep: (key) => `on duplicate key update ${key} = ${key}`,
  inserted: (column) => `values(${column})`,
  deleteUnlocked,
  wholeNumber: (parameter) => `cast(${parameter} as signed)`,
  least: (one, other) => `least(${one}, ${other})`,
  greatest: (one, other) => `greatest(${one}, ${other})`,
  isAmong: (parameter) => `in (${parameter})`,
  isAmongNumbers: (parameter) => `in (${parameter})`,
  list: (values) => values,
}

/** Finds and locks the keys first: a `delete` cannot skip locked rows. */
function deleteUnlocked({ table, key, condition, limit = everyRow }: UnlockedRows): string {
  const matches = key.map((column) => `due.${column} = ended.${column}`).join(' and ')
  return `
    delete due from (
      select ${key.join(', ')} from ${table} where ${condition} limit ${limit} for update skip locked) ended
    straight_join ${table} due on ${matches}`
}
