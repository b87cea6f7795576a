import type { SqlStore } from 'latchkey/sql'
import { readLastBackup } from '../last-backup.js'
import { maxCounted } from '../state-collector.js'
import { type Finding, fail, ok, warn } from './finding.js'

/** One backup a day, and two hours for it; deploy/observability/alerts.yaml has the same limit. */
const maxBackupAgeMs = 93_600_000

/** Entries are sealed every second. */
const maxUnsealedMs = 60_000

/** Checks the age of the last recorded backup. */
export async function checkBackup(store: SqlStore, nowMs: number): Promise<Finding> {
  const last = await readLastBackup(store)
  const remedy = 'Run "latchkey backup create" every day, as docs/guides/runbook-backup.md shows.'
  if (last === undefined) return warn('backups', 'no backup has been recorded', remedy)
  const hours = Math.max(0, Math.floor((nowMs - last) / 3_600_000))
  const detail = hours === 0 ? 'the last backup is less than an hour old' : `the last backup is ${hours} h old`
  return nowMs - last > maxBackupAgeMs ? warn('backups', detail, remedy) : ok('backups', detail)
}

/** Checks whether e-mails leave the outbox. */
export async function checkOutbox(store: SqlStore): Promise<Finding> {
  const { rows } = await store.query<{ waiting: number | string; retried: number | string }>(
    `select count(*) as waiting, count(case when attempts > 1 then 1 end) as retried
     from (select attempts from server_outbox limit ${maxCounted}) as counted`,
  )
  const [waiting, retried] = [Number(rows[0]?.waiting ?? 0), Number(rows[0]?.retried ?? 0)]
  if (retried === 0) return ok('outbox', waiting === 0 ? 'no e-mail waits' : `${waiting} e-mails wait`)
  const remedy = 'The log names the answer of the mail server. E-mails are retried for a day.'
  return warn('outbox', `${waiting} e-mails wait, ${retried} of them after a failed attempt`, remedy)
}

/** Checks whether new entries of the audit log enter its chain. */
export async function checkSealing(store: SqlStore, nowMs: number): Promise<Finding> {
  const { rows } = await store.query<{ at: number | string }>(
    'select at from server_audit where seq is null order by id limit 1',
  )
  const waitingMs = nowMs - Number(rows[0]?.at ?? nowMs)
  if (waitingMs < maxUnsealedMs) return ok('audit log', 'every entry is in the chain within seconds')
  const detail = `entries have waited for the chain for ${Math.round(waitingMs / 1000)} s`
  const remedy = 'The log names the cause, at the job "seal the audit log". Then run "latchkey audit verify".'
  return fail('audit log', detail, remedy)
}
