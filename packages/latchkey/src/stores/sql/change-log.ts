import type { Change, HistoryPoint, RecentChanges } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import { epochOf, type History } from './history.js'
import type { SqlClient } from './sql-client.js'
import { runStatements } from './statements.js'

/** Logs a change of the tenant, or of `KEYS_CHANGED`. Returns its number. */
export async function logChange(
  client: SqlClient,
  dialect: Dialect,
  { tenant, history }: { readonly tenant: string; readonly history: History },
): Promise<number> {
  const logRow = dialect.logRow('change', history)
  const { rows } = await runStatements<{ seq: number | string }>(client, logRow, [tenant])
  // A change on a server that is no longer the primary would be acknowledged and lost.
  history.check(epochOf(rows))
  return Number(rows[0]?.seq)
}

/**
 * Logs a request that verifiers acknowledge every change that was committed before this call.
 * Returns its number.
 */
export async function logRequest(history: History, dialect: Dialect): Promise<number> {
  const { rows } = await history.run<{ seq: number | string }>(dialect.logRow('request', history), [''])
  return Number(rows[0]?.seq)
}

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
     left join latchkey_changes c on c.${changeOrder} >= point.since and c.is_request = 0`,
    [ageMs],
  )
  const changes = read.rows.flatMap(({ tenant_id, seq }) =>
    tenant_id === null ? [] : [{ tenant: tenant_id, version: Number(seq) }],
  )
  return { history: read.history, since: Number(read.rows[0]?.since), changes }
}

/** The place of a read in the log: it saw every change that was committed before it. */
export interface LogPosition {
  readonly history: number
  /** Every change below it had ended. */
  readonly xmin: number
  /** No change at or above it was seen. */
  readonly xmax: number
  /** The changes below `xmax` that were still open. */
  readonly open: readonly string[]
  /** Changes below it may have been deleted before the read. */
  readonly prunedTo: number
}

/** The rows of the log that a read has seen and the previous one had not. */
export interface LogReading {
  readonly position: LogPosition
  readonly changes: readonly Change[]
  /** Whether some of the changes may be missing here. */
  readonly isPartial: boolean
  /** The greatest number of a request among the rows. */
  readonly request: number | undefined
}

interface LogRow {
  readonly history: number | string
  readonly snapshot: string
  readonly pruned_to: number | string
  readonly seq: number | string | null
  readonly tenant_id: string | null
  readonly is_request: number | null
}

/** The most rows that one read returns: a verifier that has missed more drops its whole cache. */
const maxRows = 10_000

/** Above the `changeOrder` of every row. */
const endOfLog = '9223372036854775807'

/**
 * Reads the rows of the log that the read at `since` did not see; without `since`, only the
 * position. It is one statement, so rows and position belong to one snapshot. Its place among other
 * transactions does not depend on their order of commit: a row below `xmax` that was committed
 * since is one of those that were open.
 */
export async function readLog(history: History, dialect: Dialect, since: LogPosition | undefined): Promise<LogReading> {
  const { changeOrder, snapshot, isAmongNumbers, list, wholeNumber } = dialect
  const columns = 'seq, tenant_id, is_request'
  // The planner does not see the value of a subquery, so it plans the statement only once. Planning
  // took most of the time of a read that finds nothing.
  const from = `(select ${wholeNumber('$1')})`
  const { history: epoch, rows } = await history.run<LogRow>(
    `select h.history, h.snapshot, h.pruned_to, c.seq, c.tenant_id, c.is_request
     from (select case when ${history.mark.isHere} then epoch end as history, ${snapshot} as snapshot, pruned_to
       from latchkey_history) h
     left join (
       select ${columns} from (
         select ${columns} from latchkey_changes where ${changeOrder} >= ${from} order by ${changeOrder} limit ${maxRows}) later
       union all
       select ${columns} from latchkey_changes where ${changeOrder} ${isAmongNumbers('$2')}
     ) c on true`,
    [since === undefined ? endOfLog : String(since.xmax), list(since?.open ?? [])],
  )
  const [first] = rows
  const position = { ...positionIn(first?.snapshot ?? ''), history: epoch, prunedTo: Number(first?.pruned_to) }
  const numbered = rows.flatMap(({ seq, tenant_id, is_request }) =>
    seq === null || tenant_id === null
      ? []
      : [{ tenant: tenant_id, version: Number(seq), isRequest: is_request === 1 }],
  )
  return {
    position,
    changes: numbered.filter(({ isRequest }) => !isRequest).map(({ tenant, version }) => ({ tenant, version })),
    isPartial: since !== undefined && (rows.length >= maxRows || isGapped(since, position)),
    request: greatestOf(numbered.filter(({ isRequest }) => isRequest)),
  }
}

function greatestOf(rows: readonly { readonly version: number }[]): number | undefined {
  return rows.length === 0 ? undefined : Math.max(...rows.map(({ version }) => version))
}

/**
 * Returns whether changes that the read at `since` had not seen may be missing at `position`: the
 * log continues from an earlier state, or they were deleted in between.
 */
function isGapped(since: LogPosition, position: LogPosition): boolean {
  if (since.history !== position.history || position.xmax < since.xmax) return true
  return position.prunedTo !== since.prunedTo && position.prunedTo > since.xmin
}

/** Parses `xmin:xmax:xip,…`. */
function positionIn(snapshot: string): Pick<LogPosition, 'xmin' | 'xmax' | 'open'> {
  const [xmin = '', xmax = '', open = ''] = snapshot.split(':')
  return { xmin: Number(xmin), xmax: Number(xmax), open: open === '' ? [] : open.split(',') }
}
