import type { Dialect } from '../sql/dialect.js'

/** What SQLite says differently. A writing transaction excludes every other, so nothing needs a lock of its own. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  identity: 'integer primary key autoincrement',
  nowMs: "cast(unixepoch('subsec') * 1000 as integer)",
  forUpdate: '',
  forUpdateUnlocked: '',
  lockMigrations: '',
  lockKeyPairs: '',
  logChange: `
    insert into latchkey_changes (tenant_id, at) values ($1, cast(unixepoch('subsec') * 1000 as integer))
    returning seq as version`,
  changeOrder: 'seq',
  selectHorizon: 'select coalesce(max(seq), 0) + 1 as horizon from latchkey_changes',
  isAmong: (parameter) => `in (select value from json_each(${parameter}))`,
  list: (values) => JSON.stringify(values),
  isMissingTable: (error) => error instanceof Error && error.message.includes('no such table'),
}
