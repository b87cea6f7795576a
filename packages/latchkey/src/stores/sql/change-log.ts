import type { HistoryPoint, RecentChanges } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { History } from './history.js'

/** Returns the low-water mark of the changes: no change below it can still be committed. */
export async function readLowWaterMark(history: History, dialect: Dialect): Promise<HistoryPoint> {
  const read = await history.read<{ lowWaterMark: number | string }>(`select ${dialect.lowWaterMark} as "lowWaterMark"`)
  return { history: read.history, lowWaterMark: Number(read.rows[0]?.lowWaterMark) }
}

interface ChangeRow {
  readonly since: number | string
  readonly tenant_id: string | null
  readonly seq: number | string | null
}

/**
 * Returns the committed changes from a point on after which the log is complete.
 *
 * The point is above every pruned change, and above every change logged more than `ageMs` ago by
 * the database's clock. If the log holds no change that old, the point is the first change of the
 * log; if the log is empty, it is the present, and earlier changes may be missing. One statement
 * reads one snapshot.
 */
export async function readChangesSince(history: History, dialect: Dialect, ageMs: number): Promise<RecentChanges> {
  const { changeOrder, nowMs, lowWaterMark, greatest } = dialect
  const inLog = `coalesce(
    (select max(${changeOrder}) + 1 from latchkey_changes where at < ${nowMs} - $1),
    (select min(${changeOrder}) from latchkey_changes),
    ${lowWaterMark})`
  const read = await history.read<ChangeRow>(
    `select point.since, c.tenant_id, c.seq
     from (select ${greatest('pruned_to', inLog)} as since from latchkey_history) point
     left join latchkey_changes c on c.${changeOrder} >= point.since`,
    [ageMs],
  )
  const changes = read.rows.flatMap(({ tenant_id, seq }) =>
    tenant_id === null ? [] : [{ tenant: tenant_id, version: Number(seq) }],
  )
  return { history: read.history, since: Number(read.rows[0]?.since), changes }
}
