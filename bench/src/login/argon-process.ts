import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import type { ArgonResult, ArgonTask } from './messages.js'

// What the processors can do of Argon2id, with nothing around it: as many checks at once as there are processors.

/** As the server hashes: see `usualCost` there. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

process.once('message', async ({ durationMs }: ArgonTask) => {
  const password = 'correct horse battery staple'
  const phc = await hash(password, cost)
  let count = 0
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const work = async () => {
    for (; performance.now() - startedAt < durationMs; count += 1) await verify(phc, password)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const perSecond = (count * 1000) / (performance.now() - startedAt)
  const { user, system } = process.cpuUsage(cpuBefore)
  const result: ArgonResult = { perSecond, cpuMs: (user + system) / 1000 / count }
  process.send?.(result, () => process.exit())
})
