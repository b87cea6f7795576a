import type { Retention } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/**
 * Deletes state that no verifier needs any more, in the open transaction of `client`. Rows that a
 * change has locked are left for the next run: waiting for them could deadlock.
 */
export async function pruneRows(
  client: SqlClient,
  { nowMs, least, deleteUnlocked }: Dialect,
  { now, keepMs }: Retention,
): Promise<void> {
  // Two clocks must agree: one that is ahead must not delete state that processes with other clocks
  // still need.
  const endedBefore = `${least('$1', nowMs)} - $2`
  const ended = [
    { table: 'latchkey_secrets', key: ['kid'], condition: `retires_at < ${endedBefore}` },
    { table: 'latchkey_ended_sessions', key: ['tenant_id', 'session_id'], condition: `until < ${endedBefore}` },
    { table: 'latchkey_tenants', key: ['tenant_id'], condition: `forgotten_until < ${endedBefore}` },
  ]
  for (const rows of ended) await client.query(deleteUnlocked(rows), [now, keepMs])
  await client.query(`delete from latchkey_verifiers where listed_until < ${nowMs}`)
}

/**
 * Deletes the oldest changes in the order of the log, not by time, so that the rest has no gap, and
 * records the new start of the log in the same transaction. The result does not depend on a clock:
 * only changes below every open transaction are deleted, and every reader of the log begins after
 * the deleted ones.
 */
export async function pruneChanges(client: SqlClient, dialect: Dialect, { changeLogMs }: Retention): Promise<void> {
  const { changeOrder, lowWaterMark, nowMs, least } = dialect
  const newestOld = `(select max(${changeOrder}) from latchkey_changes where at < ${nowMs} - $1)`
  const { rows } = await client.query<{ target: number | string | null; pruned_to: number | string }>(
    `select ${least(newestOld, lowWaterMark)} as target, pruned_to from latchkey_history where ${newestOld} is not null ${dialect.forUpdate}`,
    [changeLogMs],
  )
  if (rows[0] === undefined) return
  const target = Number(rows[0].target)
  // Readers of the log notice a deletion by the mark alone.
  if (!(target > Number(rows[0].pruned_to))) return
  await client.query('update latchkey_history set pruned_to = $1', [target])
  await client.query(`delete from latchkey_changes where ${changeOrder} < $1`, [target])
}
