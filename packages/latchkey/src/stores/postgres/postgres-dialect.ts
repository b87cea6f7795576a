import type { Dialect } from '../sql/dialect.js'
import { codeOf } from '../sql/sql-client.js'

/** Where changes are announced: `version tenant`. */
export const changesChannel = 'latchkey_changes'

/** Where verifiers are asked whether they have heard of everything so far: `question channel`, the channel being where to answer. */
export const questionsChannel = 'latchkey_questions'

/** Any number that nobody else uses for an advisory lock: "latchkey" in ASCII. */
const migrationsLock = '7809651199139603833'

const changeNumbers = `pg_get_serial_sequence('latchkey_changes', 'seq')`

const nowMs = 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)'

/** What PostgreSQL says differently. */
export const postgresDialect: Dialect = {
  name: 'postgres',
  identity: 'bigint generated always as identity primary key',
  nowMs,
  forUpdate: 'for update',
  forUpdateUnlocked: 'for update skip locked',
  lockMigrations: `select pg_advisory_xact_lock(${migrationsLock})`,
  lockKeyPairs: 'lock table latchkey_key_pairs in share row exclusive mode',
  lockSettings: 'lock table latchkey_settings in share row exclusive mode',
  logChange: `
    with logged as (insert into latchkey_changes (tenant_id, at, transaction_id) values ($1, ${nowMs}, txid_current()) returning seq, tenant_id)
    select seq as version, pg_notify('${changesChannel}', seq || ' ' || tenant_id) from logged`,
  // Microseconds: nobody makes a thousand changes in each millisecond for years.
  raiseChanges: [`select setval(${changeNumbers}, greatest(nextval(${changeNumbers}), ${nowMs} * 1000))`],
  // Numbers from a sequence are committed in any order; only the IDs of transactions tell which are still open.
  changeOrder: 'transaction_id',
  selectHorizon: 'select txid_snapshot_xmin(txid_current_snapshot()) as horizon',
  isAmong: (parameter) => `= any(${parameter})`,
  list: (values) => values,
  isMissingTable: (error) => codeOf(error) === '42P01',
}
