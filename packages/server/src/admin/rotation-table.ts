import type { SqlClient } from 'latchkey/sql'

/** The desired state of a rotation of all tenants, or `done`. */
export type DesiredState = 'rotating' | 'paused' | 'stopped' | 'done'

/**
 * The row of the last rotation of all tenants, shared by all servers. Times are milliseconds since
 * 1970.
 */
export interface StoredRotation {
  readonly state: DesiredState
  readonly olderThan: number
  readonly ratePerMinute: number
  readonly canary: number
  readonly rotated: number
  /** The number of tenants that kept their secret, by error code: JSON. */
  readonly failed: string
  readonly remaining: number
  readonly estimatedEnd: number
  /** The ID of the server that runs the rotation; its lease expires at `runnerUntil`. */
  readonly runner: string
  readonly runnerUntil: number
}

const columns = `state, older_than as "olderThan", rate_per_minute as "ratePerMinute", canary, rotated, failed, remaining,
  estimated_end as "estimatedEnd", runner, runner_until as "runnerUntil"`

/** Returns the last rotation, if any. */
export async function findRotation(client: SqlClient): Promise<StoredRotation | undefined> {
  const { rows } = await client.query<StoredRotation>(`select ${columns} from server_rotations`)
  return rows[0]
}

/**
 * Stores a new rotation; returns `false` if one is in progress. One statement, so that only one of
 * several callers succeeds.
 */
export async function beginRotation(
  client: SqlClient,
  order: Pick<StoredRotation, 'olderThan' | 'ratePerMinute' | 'canary' | 'remaining' | 'estimatedEnd'>,
): Promise<boolean> {
  const { rows } = await client.query(
    `insert into server_rotations
       (name, state, older_than, rate_per_minute, canary, rotated, failed, remaining, estimated_end, runner, runner_until)
     values ('everybody', 'rotating', $1, $2, $3, 0, '{}', $4, $5, '', 0)
     on conflict (name) do update set state = 'rotating', older_than = excluded.older_than,
       rate_per_minute = excluded.rate_per_minute, canary = excluded.canary, rotated = 0, failed = '{}',
       remaining = excluded.remaining, estimated_end = excluded.estimated_end, runner = '', runner_until = 0
     where server_rotations.state in ('stopped', 'done') returning name`,
    [order.olderThan, order.ratePerMinute, order.canary, order.remaining, order.estimatedEnd],
  )
  return rows.length === 1
}

/** Writes the desired state of the rotation in progress; returns `false` if there is none. */
export async function setDesiredState(client: SqlClient, state: DesiredState): Promise<boolean> {
  const { rows } = await client.query(
    `update server_rotations set state = $1 where state in ('rotating', 'paused') returning name`,
    [state],
  )
  return rows.length === 1
}

/**
 * Claims the rotation for a server if its lease has expired; returns `false` if another server
 * holds it.
 */
export async function claimRotation(
  client: SqlClient,
  { runner, nowMs, untilMs }: { readonly runner: string; readonly nowMs: number; readonly untilMs: number },
): Promise<boolean> {
  const { rows } = await client.query(
    `update server_rotations set runner = $1, runner_until = $3 where state = 'rotating' and runner_until <= $2 returning name`,
    [runner, nowMs, untilMs],
  )
  return rows.length === 1
}

/** Stores the progress of this server and extends its lease. */
export async function reportRotation(
  client: SqlClient,
  runner: string,
  report: Pick<StoredRotation, 'rotated' | 'failed' | 'remaining' | 'estimatedEnd' | 'runnerUntil'>,
): Promise<void> {
  await client.query(
    `update server_rotations set rotated = $2, failed = $3, remaining = $4, estimated_end = $5, runner_until = $6
     where runner = $1`,
    [runner, report.rotated, report.failed, report.remaining, report.estimatedEnd, report.runnerUntil],
  )
}
