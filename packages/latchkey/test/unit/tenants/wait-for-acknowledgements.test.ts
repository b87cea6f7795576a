import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { setUp } from '../../support/setup.js'

it('waits for a dozen verifiers without a warning from Node', async () => {
  const warnings: Error[] = []
  const collect = (warning: Error) => void warnings.push(warning)
  process.on('warning', collect)
  const store = memoryStore()
  const verifiers = Array.from({ length: 14 }, () => setUp({ store, clock: systemClock, keys: { maxStaleness: 250 } }))
  try {
    for (const { keys } of verifiers) await keys.ready()
    const [first] = verifiers
    await first?.keys.provision('alice')
    await first?.keys.revoke('alice', { everywhere: true })
    await nextTurn()
    expect(warnings).toEqual([])
  } finally {
    process.off('warning', collect)
    for (const { latchkey } of verifiers) await latchkey.close()
  }
})
