import type { Retention } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/** Deletes rows that no verifier needs any more, in the open transaction of `client`. */
export async function pruneRows(
  client: SqlClient,
  dialect: Dialect,
  { now, keepMs, changeLogMs }: Retention,
): Promise<void> {
  const { forUpdateUnlocked, nowMs } = dialect
  await pruneChanges(client, dialect, changeLogMs)
  // Two clocks must agree: one that is ahead must not delete state that processes with other clocks
  // still need.
  const endedBefore = `${dialect.least('$1', nowMs)} - $2`
  // Rows that a change has locked are left for the next run: waiting for them could deadlock.
  await client.query(
    `delete from latchkey_secrets where kid in (
       select kid from latchkey_secrets where retires_at < ${endedBefore} ${forUpdateUnlocked})`,
    [now, keepMs],
  )
  await client.query(
    `delete from latchkey_ended_sessions where (tenant_id, session_id) in (
       select tenant_id, session_id from latchkey_ended_sessions where until < ${endedBefore} ${forUpdateUnlocked})`,
    [now, keepMs],
  )
  await client.query(
    `delete from latchkey_tenants where tenant_id in (
       select tenant_id from latchkey_tenants where forgotten_until < ${endedBefore} ${forUpdateUnlocked})`,
    [now, keepMs],
  )
  await client.query(`delete from latchkey_verifiers where listed_until < ${nowMs}`)
}

/**
 * Deletes the oldest changes in the order of the log, not by time, so that the rest has no gap, and
 * records the new start of the log in the same transaction. The result does not depend on a clock:
 * only changes below every open transaction are deleted, and every reader of the log begins after
 * the deleted ones.
 */
async function pruneChanges(client: SqlClient, dialect: Dialect, changeLogMs: number): Promise<void> {
  const { changeOrder, lowWaterMark, nowMs, least } = dialect
  const newestOld = `(select max(${changeOrder}) from latchkey_changes where at < ${nowMs} - $1)`
  const { rows } = await client.query<{ target: number | string | null }>(
    `select ${least(newestOld, lowWaterMark)} as target from latchkey_history where ${newestOld} is not null ${dialect.forUpdate}`,
    [changeLogMs],
  )
  if (rows[0] === undefined) return
  const target = Number(rows[0].target)
  const marked = await client.query(
    'update latchkey_history set pruned_to = $1 where pruned_to < $1 returning pruned_to',
    [target],
  )
  // Readers of the log notice a deletion by the mark alone.
  if (marked.rows.length === 0) return
  await client.query(`delete from latchkey_changes where ${changeOrder} < $1`, [target])
}
