import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs `program` in a process of its own, sends it the task, and resolves to the one message that
 * it answers.
 *
 * @throws Error when the process exits without an answer.
 */
export async function performInProcess<Task extends object, Result>(
  program: URL,
  task: Task,
  execArgv: readonly string[] = [],
): Promise<Result> {
  const child = fork(program, { serialization: 'advanced', execArgv: [...execArgv] })
  const ended = once(child, 'exit')
  child.send(task)
  const answer = await Promise.race([once(child, 'message'), ended.then(() => undefined)])
  await ended
  if (answer === undefined) throw new Error(`${program.pathname} exited without a result.`)
  return answer[0]
}
