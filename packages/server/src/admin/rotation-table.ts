import type { SqlClient } from 'latchkey/sql'

/** What is wanted of a rotation of everybody, or has become of it. */
export type DesiredState = 'rotating' | 'paused' | 'stopped' | 'done'

/** The last rotation of everybody, as all servers see it. Times are milliseconds since 1970. */
export interface StoredRotation {
  readonly state: DesiredState
  readonly olderThan: number
  readonly ratePerMinute: number
  readonly canary: number
  readonly rotated: number
  /** Accounts that kept their secret, by code: JSON. */
  readonly failed: string
  readonly remaining: number
  readonly estimatedEnd: number
  /** The server that carries it out, unless it has not been heard of until `runnerUntil`. */
  readonly runner: string
  readonly runnerUntil: number
}

const columns = `state, older_than as "olderThan", rate_per_minute as "ratePerMinute", canary, rotated, failed, remaining,
  estimated_end as "estimatedEnd", runner, runner_until as "runnerUntil"`

/** The last one, if there ever was one. */
export async function findRotation(client: SqlClient): Promise<StoredRotation | undefined> {
  const { rows } = await client.query<StoredRotation>(`select ${columns} from server_rotations`)
  return rows[0]
}

/** Puts a new one in its place; `false` when one is under way. One statement: of many at once one succeeds. */
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

/** Says what is wanted of the one under way; `false` when there is none. */
export async function setDesiredState(client: SqlClient, state: DesiredState): Promise<boolean> {
  const { rows } = await client.query(
    `update server_rotations set state = $1 where state in ('rotating', 'paused') returning name`,
    [state],
  )
  return rows.length === 1
}

/** Makes this server the one that carries it out, if none does; `false` when another was faster. */
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

/** Notes how far this server has come, and until when it is to be taken for alive. */
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
