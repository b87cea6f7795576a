import { EventEmitter } from 'node:events'
import { isLatchkeyError } from 'latchkey'
import type { AuditEvent } from '../audit/audit-record.js'
import { isProblem } from '../problem.js'
import { type Administrator, type AdministratorRights, isOperator } from './administrator.js'
import { adminFailures } from './failures.js'
import { LeasedWork, leaseMs } from './leased-work.js'
import * as table from './task-table.js'
import { type TaskParts, type TaskProgress, taskWork } from './task-work.js'

/** The last task of a kind. `waiting`: no server holds its lease. */
export interface TaskStatus
  extends Pick<table.StoredTask, 'kind' | 'startedBy' | 'startedAt' | 'endedAt' | 'step' | 'done' | 'total' | 'code'> {
  readonly state: table.StoredTaskState | 'waiting'
}

/** Events: a `failure` that has ended a task, or delays it while the database is unavailable. */
interface TaskEvents {
  failure: [error: unknown, kind: table.TaskKind]
}

/** The pause after a failure of the database. */
const retryMs = 1000

/** The entry of the audit log that begins each kind. */
const beginnings = {
  revoke_all: 'secret_revoke_all',
  replace_keys: 'key_replace',
  rewrap: 'secret_rewrap',
} as const satisfies Record<table.TaskKind, AuditEvent>

/** The task that this server runs. */
interface CurrentTask {
  readonly kind: table.TaskKind
  readonly stop: AbortController
  progress: TaskProgress
  /** Resolves once the work has ended, to its failure if it has failed. */
  readonly ended: Promise<{ readonly error?: unknown }>
  outcome: { readonly error?: unknown } | undefined
}

/**
 * Long work on all accounts, clients or keys after an incident, one task at a time for all servers
 * of the database: `LeasedWork`, whose row any server may write. Methods that take an administrator
 * throw as `AdministratorRights.lock` does. A running task does not depend on the rights of the
 * administrator who started it, whose session it may end.
 */
export class Tasks extends EventEmitter<TaskEvents> {
  readonly #parts: TaskParts
  readonly #rights: AdministratorRights
  readonly #work: LeasedWork<table.StoredTask, CurrentTask>

  constructor(parts: TaskParts, { rights }: { readonly rights: AdministratorRights }) {
    super()
    this.#parts = parts
    this.#rights = rights
    this.#work = new LeasedWork({
      find: () => table.findRunningTask(parts.store),
      claim: (stored, runner) => this.#claim(stored, runner),
      isOf: ({ kind }, current) => kind === current.kind,
      follow: (current, _, runner) => this.#follow(current, runner),
      end,
      release: (current, runner) => this.#report(current, runner, 0),
    })
  }

  /** Returns the last task of each kind that was ever started. */
  async read(): Promise<readonly TaskStatus[]> {
    const stored = await table.readTasks(this.#parts.store)
    return table.taskKinds.flatMap((kind) => stored.filter((task) => task.kind === kind)).map(this.#statusOf)
  }

  /** Starts a task, or starts it again. Throws `task_running`. */
  async start(by: Administrator, kind: table.TaskKind): Promise<TaskStatus> {
    const { store, audit } = this.#parts
    const startedBy = isOperator(by) ? 'cli' : by.accountId
    await store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const begun = await table.beginTask(client, { kind, startedBy, startedAt: this.#now() })
      if (!begun) throw adminFailures.refusal('task_running')
      await audit.done(client, beginnings[kind], by, { account: null })
    })
    return this.#settle(kind)
  }

  /** Stops the running task after its current step. Throws `task_unknown` if none is running. */
  async stop(by: Administrator): Promise<TaskStatus> {
    const { store, audit } = this.#parts
    const kind = await store.transaction(async (client) => {
      await this.#rights.lock(client, by)
      const stopped = await table.stopTask(client, this.#now())
      if (stopped === undefined) throw adminFailures.refusal('task_unknown')
      await audit.done(client, 'task_stop', by, { account: null, detail: { task: stopped } })
      return stopped
    })
    return this.#settle(kind)
  }

  /** Claims, reports or releases the task. Call it about every second. */
  tick(): Promise<void> {
    return this.#work.tick()
  }

  /** Stops the work of this server after its current step, so that another one can claim it. */
  close(): Promise<void> {
    return this.#work.close()
  }

  async #settle(kind: table.TaskKind): Promise<TaskStatus> {
    await this.tick()
    const found = (await this.read()).find((task) => task.kind === kind)
    if (found === undefined) throw adminFailures.refusal('task_unknown')
    return found
  }

  async #claim(stored: table.StoredTask, runner: string): Promise<CurrentTask | undefined> {
    const { kind, runnerUntil, startedAt, startedBy, step, done, total } = stored
    const nowMs = this.#now()
    if (runnerUntil > nowMs) return undefined
    const isClaimed = await table.claimTask(this.#parts.store, { runner, nowMs, untilMs: nowMs + leaseMs })
    if (!isClaimed) return undefined
    const stop = new AbortController()
    const onProgress = (progress: TaskProgress) => {
      current.progress = progress
    }
    const claimed = { startedAt, startedBy, done, signal: stop.signal, onProgress }
    const ended = Promise.resolve()
      .then(() => taskWork[kind](this.#parts, claimed))
      .then(
        () => ({}),
        (error: unknown) => ({ error }),
      )
    const current: CurrentTask = { kind, stop, progress: { step, done, total }, ended, outcome: undefined }
    void ended.then((outcome) => {
      current.outcome = outcome
      // Its end is stored at once, and not at the next interval.
      if (!stop.signal.aborted) this.tick().catch(() => {})
    })
    return current
  }

  async #follow(current: CurrentTask, runner: string): Promise<boolean> {
    const { outcome, kind } = current
    if (outcome === undefined) {
      await this.#report(current, runner, this.#now() + leaseMs)
      return true
    }
    const { error } = outcome
    if (error !== undefined) this.emit('failure', error, kind)
    // The counts are written before the state, so that a reader of the state sees its final counts.
    // While the database is unavailable, another attempt follows when the lease has expired.
    await this.#report(current, runner, this.#now() + (isTransient(error) ? retryMs : leaseMs))
    if (isTransient(error)) return false
    const state = error === undefined ? 'done' : 'failed'
    await table.finishTask(this.#parts.store, runner, { state, code: codeOf(error), endedAt: this.#now() })
    return false
  }

  #report({ progress: { step, done, total } }: CurrentTask, runner: string, runnerUntil: number): Promise<void> {
    return table.reportTask(this.#parts.store, runner, { step, done, total, runnerUntil })
  }

  readonly #statusOf = ({ runner, runnerUntil, ...task }: table.StoredTask): TaskStatus => ({
    ...task,
    state: task.state === 'running' && runnerUntil <= this.#now() ? 'waiting' : task.state,
  })

  #now(): number {
    return this.#parts.clock.now()
  }
}

function isTransient(error: unknown): boolean {
  return isLatchkeyError(error) && (error.code === 'store_unavailable' || error.code === 'store_busy')
}

function codeOf(error: unknown): string | null {
  if (error === undefined) return null
  return isLatchkeyError(error) || isProblem(error) ? error.code : 'internal_error'
}

/** Stops the work and waits for its current step. */
async function end({ stop, ended }: CurrentTask): Promise<void> {
  stop.abort()
  await ended
}
