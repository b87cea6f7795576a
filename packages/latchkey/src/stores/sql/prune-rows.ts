import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/**
 * Deletes secrets and ended sessions whose time is before `now`, verifiers that are not listed any more, and all changes before the newest of those that were logged before `changesBefore`: by
 * their order and not by their time, so that what is left of the log has no gap.
 */
export async function pruneRows(
  client: SqlClient,
  dialect: Dialect,
  { now, changesBefore }: { readonly now: number; readonly changesBefore: number },
): Promise<void> {
  // Rows that a change holds are left for the next time: waiting for them could lock both in a circle.
  await client.query(
    `delete from latchkey_secrets where kid in (
       select kid from latchkey_secrets where retires_at < $1 ${dialect.forUpdateUnlocked})`,
    [now],
  )
  await client.query(
    `delete from latchkey_ended_sessions where (tenant_id, session_id) in (
       select tenant_id, session_id from latchkey_ended_sessions where until < $1 ${dialect.forUpdateUnlocked})`,
    [now],
  )
  await client.query(`delete from latchkey_verifiers where listed_until < ${dialect.nowMs}`)
  const { changeOrder } = dialect
  await client.query(
    `delete from latchkey_changes
     where ${changeOrder} < (select max(${changeOrder}) from latchkey_changes where at < $1)`,
    [changesBefore],
  )
}
