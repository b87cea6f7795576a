import { availableParallelism } from 'node:os'
import type { ArgonResult, ArgonTask } from './messages.js'
import { createPasswordCheck, password } from './password-check.js'

// The Argon2id checks per second that the processors reach alone: no thread ever waits for the next
// check.

process.once('message', async ({ durationMs }: ArgonTask) => {
  const check = await createPasswordCheck()
  let count = 0
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const work = async () => {
    for (; performance.now() - startedAt < durationMs; count += 1) await check(password)
  }
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, work))
  const perSecond = (count * 1000) / (performance.now() - startedAt)
  const { user, system } = process.cpuUsage(cpuBefore)
  const result: ArgonResult = { perSecond, cpuMs: (user + system) / 1000 / count }
  process.send?.(result, () => process.exit())
})
