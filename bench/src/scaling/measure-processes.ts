import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { VerifyResult, VerifyTask } from './messages.js'

/** Returns the verifications per second of several processes together, which start at once. */
export async function measureProcesses(processes: number, task: VerifyTask): Promise<number> {
  const children = Array.from({ length: processes }, () => fork(new URL('./verify-process.js', import.meta.url)))
  // One after another: creating the tenants takes memory, and time that is not measured.
  for (const child of children) {
    const ready = answerOf(child)
    child.send(task)
    await ready
  }
  const answers = children.map(answerOf)
  for (const child of children) child.send('begin')
  const results = (await Promise.all(answers)) as VerifyResult[]
  return results.reduce((sum, { perSecond }) => sum + perSecond, 0)
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('A process exited without a result.')
  })
  const [answer] = await Promise.race([once(child, 'message'), ended])
  ended.catch(() => {})
  return answer
}
