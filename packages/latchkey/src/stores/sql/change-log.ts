import type { RecentChanges } from '../../secrets/ports.js'
import type { Dialect } from './dialect.js'
import type { SqlClient } from './sql-client.js'

/** The point in the history of changes below which none can still be committed. */
export async function readHorizon(client: SqlClient, dialect: Dialect): Promise<number> {
  const { rows } = await client.query<{ horizon: number | string }>(dialect.selectHorizon)
  return Number(rows[0]?.horizon)
}

interface ChangeRow {
  readonly since: number | string
  readonly tenant_id: string | null
  readonly seq: number | string | null
}

/**
 * The committed changes since the point that follows everything logged before `loggedAt`, or since the log begins, where nothing of it is so old: what was there
 * before may have been pruned by a process whose clock was ahead. One statement, so that it sees one moment.
 */
export async function readChangesSince(client: SqlClient, dialect: Dialect, loggedAt: number): Promise<RecentChanges> {
  const { changeOrder } = dialect
  const { rows } = await client.query<ChangeRow>(
    `with point as (
       select coalesce(max(case when at < $1 then ${changeOrder} end) + 1, min(${changeOrder}), 0) as since from latchkey_changes)
     select point.since, c.tenant_id, c.seq from point left join latchkey_changes c on c.${changeOrder} >= point.since`,
    [loggedAt],
  )
  const changes = rows.flatMap(({ tenant_id, seq }) =>
    tenant_id === null ? [] : [{ tenant: tenant_id, version: Number(seq) }],
  )
  return { since: Number(rows[0]?.since), changes }
}
