import { useRef } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import type { paths } from '../../api/schema.js'
import { type Answer, useAnswer } from '../../api/use-answer.js'

/** The last task of a kind. */
export type Task = paths['/v1/admin/tasks']['get']['responses'][200]['content']['application/json']['tasks'][number]

export type TaskKind = Task['kind']

const busyMs = 700
const idleMs = 5000

/** Reads the tasks again and again, so that every administrator sees the same progress. */
export function useTasks(): Answer<readonly Task[]> {
  const everyMs = useRef(idleMs)
  const load = async (signal: AbortSignal) => {
    const { tasks } = await answer(api.GET('/v1/admin/tasks', { signal }))
    everyMs.current = tasks.some(isRunning) ? busyMs : idleMs
    return tasks
  }
  return useAnswer('tasks', load, { everyMs: everyMs.current })
}

/** Starts a task, or starts it again. */
export function startTask(kind: TaskKind): Promise<Task> {
  if (kind === 'revoke_all') return answer(api.POST('/v1/admin/revoke-all'))
  if (kind === 'replace_keys') return answer(api.POST('/v1/admin/replace-keys'))
  return answer(api.POST('/v1/admin/rewrap'))
}

/** Stops the running task after its current step. */
export function stopTask(): Promise<Task> {
  return answer(api.POST('/v1/admin/tasks/stop'))
}

/** Returns whether a server runs the task, or will continue it. */
export function isRunning(task: Task | undefined): boolean {
  return task?.state === 'running' || task?.state === 'waiting'
}
