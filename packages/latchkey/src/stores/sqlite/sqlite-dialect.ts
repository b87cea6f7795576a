import type { Dialect } from '../sql/dialect.js'
import type { ServerMark } from '../sql/history.js'
import { schema } from '../sql/schema.js'

const nowMs = "cast(unixepoch('subsec') * 1000 as integer)"

/** Writers exclude each other, so an uncommitted change has this number or a greater one. */
const nextChange = "coalesce((select seq from sqlite_sequence where name = 'latchkey_changes'), 0) + 1"

/** A file does not show that it was restored from a backup: `beginAfterRestore` must be called. */
export const sqliteMark: ServerMark = { name: "'file'", isHere: "server = 'file'", wake: 'null' }

/** A writing transaction excludes every other one, so the statements that lock are empty. */
export const sqliteDialect: Dialect<'sqlite'> = {
  name: 'sqlite',
  inSchema: (statement) => statement,
  schema,
  shortText: 'text',
  identity: 'integer primary key autoincrement',
  nowMs,
  forUpdate: '',
  lockingRead: '',
  beginMigrations: '',
  endMigrations: '',
  lockChanges: '',
  lockKeyPairs: '',
  lockSettings: '',
  logRow: (kind, { epoch }) => `
    insert into latchkey_changes (tenant_id, at, is_request) values ($1, ${nowMs}, ${kind === 'request' ? 1 : 0})
    returning seq, ${epoch} as history`,
  durable: 'null',
  acknowledge: 'update latchkey_verifiers set acknowledged = $2 where verifier_id = $1 and acknowledged < $2',
  // In microseconds: no database has a thousand changes in each millisecond for years.
  raiseChanges: [
    `insert into sqlite_sequence (name, seq) select 'latchkey_changes', 0
     where not exists (select 1 from sqlite_sequence where name = 'latchkey_changes')`,
    `update sqlite_sequence set seq = max(seq, ${nowMs} * 1000) where name = 'latchkey_changes'`,
  ],
  changeOrder: 'seq',
  lowWaterMark: nextChange,
  snapshot: `(select next || ':' || next || ':' from (select ${nextChange} as next))`,
  changesEnd: nextChange,
  nextEpoch: `max(epoch, ${nowMs} * 1000) + 1 + abs(random() % 1000000)`,
  returning: (statement, expressions) => `${statement} returning ${expressions}`,
  counted: (statement) => `${statement} returning 1 as written`,
  onConflict: (key) => `on conflict (${key}) do update set`,
  orKeep: (key) => `on conflict (${key}) do nothing`,
  inserted: (column) => `excluded.${column}`,
  // A negative limit is none.
  deleteUnlocked: ({ table, key, condition, limit = '-1' }) =>
    `delete from ${table} where (${key.join(', ')}) in (select ${key.join(', ')} from ${table} where ${condition} limit ${limit})`,
  wholeNumber: (parameter) => `cast(${parameter} as bigint)`,
  least: (one, other) => `min(${one}, ${other})`,
  greatest: (one, other) => `max(${one}, ${other})`,
  isAmong: (parameter) => `in (select value from json_each(${parameter}))`,
  isAmongNumbers: (parameter) => `in (select value from json_each(${parameter}))`,
  list: (values) => JSON.stringify(values),
}
