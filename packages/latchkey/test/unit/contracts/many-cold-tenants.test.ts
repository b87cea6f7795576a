import { describe, expect, it } from 'vitest'
import { instantOf } from '../../../src/clock.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

/** Tokens of many tenants, and a process that has cached none of them and can cache a few. */
async function coldTenants(count: number, maxTenants: number) {
  const shared = memoryStore()
  const steered = steer(shared)
  const writer = setUp({ store: shared })
  const { clock } = writer
  const reader = setUp({ store: steered.store, clock, keys: { maxTenants } })
  const tokens: string[] = []
  for (let n = 0; n < count; n += 1) tokens.push((await writer.latchkey.issue({ subject: `tenant-${n}` })).token)
  await reader.keys.ready()
  const verify = async (token: string | undefined) => {
    const outcome = await outcomeOf(() => reader.latchkey.verify(String(token)))
    return typeof outcome === 'object' ? 'accepted' : outcome
  }
  return { steered, writer, reader, clock, tokens, verify }
}

describe('more concurrent tenants than a process can cache', () => {
  it.each([1, 7, 100])(
    'are all verified by a process that caches %i, whether the feed is fresh or silent',
    async (maxTenants) => {
      const { steered, clock, tokens, verify } = await coldTenants(1200, maxTenants)
      expect(new Set(await Promise.all(tokens.map(verify)))).toEqual(new Set(['accepted']))
      steered.listeners[0]?.proved(instantOf(clock))
      expect(new Set(await Promise.all(tokens.map(verify)))).toEqual(new Set(['accepted']))
    },
  )

  it('are all signed for', async () => {
    const { reader } = await coldTenants(0, 2)
    const issued = await Promise.all(
      Array.from({ length: 300 }, (_, n) => reader.latchkey.issue({ subject: `new-${n}` })),
    )
    expect(issued).toHaveLength(300)
  })

  it('are refused when a change was delivered before their verification continued', async () => {
    const { steered, writer, clock, tokens, verify } = await coldTenants(50, 1)
    steered.listeners[0]?.proved(instantOf(clock))
    steered.holdReads()
    const verifying = tokens.map(verify)
    await settle()
    await writer.keys.revoke('tenant-3')
    const version = (await writer.keys.describe('tenant-3'))?.version ?? 0
    steered.listeners[0]?.changed({ tenant: 'tenant-3', version })
    steered.release()
    const outcomes = await Promise.all(verifying)
    expect(outcomes[3]).toBe('token_revoked')
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(49)
  })
})
