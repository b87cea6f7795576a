import { createPopulation } from '../population.js'
import { takingTurns } from '../rounds.js'
import type { VerifyResult, VerifyTask } from './messages.js'

// One process of several. It verifies tokens of its own tenants, each pass with an empty memory,
// from the message 'begin' until `durationMs` have passed.

async function perform({ tenants, durationMs }: VerifyTask): Promise<VerifyResult> {
  const population = await createPopulation(tenants)
  const begun = new Promise((resolve) => process.once('message', resolve))
  process.send?.('ready')
  await begun
  const inputs = takingTurns(population.newTokens, (token) => token.toString('latin1'), { endlessly: false })
  const startedAt = performance.now()
  let count = 0
  while (performance.now() - startedAt < durationMs) {
    const latchkey = population.freshLatchkey()
    const next = inputs()
    for (let batch = next(256); batch.length > 0 && performance.now() - startedAt < durationMs; batch = next(256)) {
      for (const token of batch) await latchkey.verify(token)
      count += batch.length
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { perSecond: (count * 1000) / (performance.now() - startedAt) }
}

process.once('message', async (task: VerifyTask) => {
  const result = await perform(task)
  process.send?.(result, () => process.exit())
})
