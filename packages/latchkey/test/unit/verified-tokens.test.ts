import { expect, it } from 'vitest'
import { setUp } from '../support/setup.js'

it('a tenant whose tokens are found in the cache stays cached while others are evicted', async () => {
  const { latchkey } = setUp({ keys: { maxTenants: 50 } })
  const tokenOf = async (subject: string) => (await latchkey.issue({ subject })).token
  const newcomer = async (name: string) => latchkey.verify(await tokenOf(name))
  for (let count = 0; count < 49; count += 1) await newcomer(`early-${count}`)
  const token = await tokenOf('alice')
  let reads = 0
  for (let count = 0; count < 1000; count += 1) {
    await newcomer(`late-${count}`)
    const auth = latchkey.verify(token)
    if (auth instanceof Promise) reads += 1
    await auth
  }
  // If it were evicted, it would be read about once for every fifty new tokens.
  expect(reads).toBeLessThan(5)
})

it.each([0, 1.5, 10_000_001])('%d tokens or tenants in memory are refused', (count) => {
  expect(() => setUp({ latchkey: { tokenCache: { maxEntries: count } } })).toThrow(TypeError)
  expect(() => setUp({ keys: { maxTenants: count } })).toThrow(TypeError)
})
