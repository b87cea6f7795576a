import type { SqlClient } from 'latchkey/sql'

/** The kinds of tasks, in the order in which they are listed. */
export const taskKinds = ['revoke_all', 'replace_keys', 'rewrap'] as const

/** The kind of a task, which names its work on all accounts and clients, or on all keys. */
export type TaskKind = (typeof taskKinds)[number]

/** The state of a task as it is stored. */
export type StoredTaskState = 'running' | 'done' | 'stopped' | 'failed'

/** The row of the last task of a kind, shared by all servers. Times are milliseconds since 1970. */
export interface StoredTask {
  readonly kind: TaskKind
  readonly state: StoredTaskState
  /** The account that started it; `cli` for the operator. */
  readonly startedBy: string
  readonly startedAt: number
  readonly endedAt: number | null
  /** The current step of the work; empty if it has a single one. */
  readonly step: string
  readonly done: number
  /** `null` until the work has counted. */
  readonly total: number | null
  /** The code of the failure that has ended it. */
  readonly code: string | null
  /** The ID of the server that runs it; its lease expires at `runnerUntil`. */
  readonly runner: string
  readonly runnerUntil: number
}

const columns = `kind, state, started_by as "startedBy", started_at as "startedAt", ended_at as "endedAt", step, done, total,
  code, runner, runner_until as "runnerUntil"`

/** Returns the last task of each kind that was ever started. */
export async function readTasks(client: SqlClient): Promise<readonly StoredTask[]> {
  const { rows } = await client.query<StoredTask>(`select ${columns} from server_tasks`)
  return rows
}

/** Returns the running task, if any. */
export async function findRunningTask(client: SqlClient): Promise<StoredTask | undefined> {
  const { rows } = await client.query<StoredTask>(`select ${columns} from server_tasks where state = 'running'`)
  return rows[0]
}

/**
 * Stores a new task; returns `false` if one of any kind is running. Call it as the last lock of the
 * transaction: from here to their commit, tasks are begun one after another.
 */
export async function beginTask(
  client: SqlClient,
  { kind, startedBy, startedAt }: Pick<StoredTask, 'kind' | 'startedBy' | 'startedAt'>,
): Promise<boolean> {
  await client.query(
    `insert into server_locks (name) values ('tasks') on conflict (name) do update set name = excluded.name`,
  )
  // A separate statement: the one that waited for the lock may not see a task begun meanwhile.
  if ((await findRunningTask(client)) !== undefined) return false
  await client.query(
    `insert into server_tasks (kind, state, started_by, started_at, ended_at, step, done, total, code, runner, runner_until)
     values ($1, 'running', $2, $3, null, '', 0, null, null, '', 0)
     on conflict (kind) do update set state = 'running', started_by = excluded.started_by,
       started_at = excluded.started_at, ended_at = null, step = '', done = 0, total = null, code = null, runner = '',
       runner_until = 0`,
    [kind, startedBy, startedAt],
  )
  return true
}

/** Stops the running task; returns its kind, or `undefined` if there is none. */
export async function stopTask(client: SqlClient, endedAt: number): Promise<TaskKind | undefined> {
  const { rows } = await client.query<{ kind: TaskKind }>(
    `update server_tasks set state = 'stopped', ended_at = $1 where state = 'running' returning kind`,
    [endedAt],
  )
  return rows[0]?.kind
}

/** Stores how the task of this server has ended, unless it has been stopped meanwhile. */
export async function finishTask(
  client: SqlClient,
  runner: string,
  { state, code, endedAt }: Pick<StoredTask, 'state' | 'code' | 'endedAt'>,
): Promise<void> {
  await client.query(
    `update server_tasks set state = $2, code = $3, ended_at = $4 where runner = $1 and state = 'running'`,
    [runner, state, code, endedAt],
  )
}

/**
 * Claims the running task for a server if its lease has expired; returns `false` if another server
 * holds it.
 */
export async function claimTask(
  client: SqlClient,
  { runner, nowMs, untilMs }: { readonly runner: string; readonly nowMs: number; readonly untilMs: number },
): Promise<boolean> {
  const { rows } = await client.query(
    `update server_tasks set runner = $1, runner_until = $3 where state = 'running' and runner_until <= $2 returning kind`,
    [runner, nowMs, untilMs],
  )
  return rows.length === 1
}

/** Stores the progress of this server and extends its lease. */
export async function reportTask(
  client: SqlClient,
  runner: string,
  report: Pick<StoredTask, 'step' | 'done' | 'total' | 'runnerUntil'>,
): Promise<void> {
  await client.query(
    `update server_tasks set step = $2, done = $3, total = $4, runner_until = $5 where runner = $1 and state = 'running'`,
    [runner, report.step, report.done, report.total, report.runnerUntil],
  )
}
