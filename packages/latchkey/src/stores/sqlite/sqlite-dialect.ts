import type { Dialect } from '../sql/dialect.js'

const nowMs = "cast(unixepoch('subsec') * 1000 as integer)"

/** What SQLite says differently. A writing transaction excludes every other, so nothing needs a lock of its own. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  identity: 'integer primary key autoincrement',
  nowMs,
  forUpdate: '',
  forUpdateUnlocked: '',
  lockMigrations: '',
  lockKeyPairs: '',
  lockSettings: '',
  logChange: `
    insert into latchkey_changes (tenant_id, at) values ($1, ${nowMs})
    returning seq as version`,
  // Microseconds: nobody makes a thousand changes in each millisecond for years.
  raiseChanges: [
    `insert into sqlite_sequence (name, seq) select 'latchkey_changes', 0
     where not exists (select 1 from sqlite_sequence where name = 'latchkey_changes')`,
    `update sqlite_sequence set seq = max(seq, ${nowMs} * 1000) where name = 'latchkey_changes'`,
  ],
  changeOrder: 'seq',
  selectHorizon: 'select coalesce(max(seq), 0) + 1 as horizon from latchkey_changes',
  isAmong: (parameter) => `in (select value from json_each(${parameter}))`,
  list: (values) => JSON.stringify(values),
  isMissingTable: (error) => error instanceof Error && error.message.includes('no such table'),
}
