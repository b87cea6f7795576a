import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Runs `program` in a process of its own, which is sent the task and answers with one message. Fails when it ends without. */
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
  if (answer === undefined) throw new Error(`${program.pathname} ended without a result.`)
  return answer[0]
}
