import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { instantOf, systemClock } from '../../../src/clock.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { outcomeOf, type SetupOptions, setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

const opened: Latchkey[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((latchkey) => latchkey.close()))
})

/** A process whose database and feed go silent when the test says so: pending calls never end. */
async function open(options: SetupOptions) {
  const steered = steer()
  const setup = setUp({ ...options, store: steered.store, clock: systemClock })
  opened.push(setup.latchkey)
  const { token } = await setup.latchkey.issue({ subject: 'alice' })
  return { ...setup, steered, token }
}

describe('a database that does not respond', () => {
  it('fails a verification with 503 after verifyTimeout', async () => {
    const { latchkey, keys, steered, token } = await open({ latchkey: { verifyTimeout: 100 } })
    steered.listeners[0]?.lost()
    steered.holdReads()
    await expect(latchkey.verify(token)).rejects.toMatchObject({ code: 'store_unavailable', status: 503 })
    steered.release()
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    expect(keys.feedAgeMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('does not affect a known tenant, which is verified synchronously', async () => {
    const { latchkey, steered, token } = await open({ latchkey: { verifyTimeout: 100 } })
    await latchkey.verify(token)
    steered.listeners[0]?.proved(instantOf(systemClock))
    steered.holdReads()
    expect(latchkey.verify(token)).not.toBeInstanceOf(Promise)
  })

  it.each([99, 60_001, 1.5, Number.NaN])('cannot have a verifyTimeout of %d ms', (verifyTimeout) => {
    expect(() => setUp({ latchkey: { verifyTimeout } })).toThrow(TypeError)
  })

  it('ends a watch one second after its data is stale, whether the feed is silent, lost, or delivers a change', async () => {
    for (const event of ['silence', 'loss', 'change'] as const) {
      const { latchkey, steered, token } = await open({ keys: { maxStaleness: 500 } })
      const auth = await latchkey.verify(token)
      steered.listeners[0]?.proved(instantOf(systemClock))
      const provedAt = performance.now()
      let reason = ''
      latchkey.watch(auth, (ended) => {
        reason = `${ended.code} after ${Math.round(performance.now() - provedAt)} ms`
      })
      await sleep(50)
      steered.holdReads()
      if (event === 'loss') steered.listeners[0]?.lost()
      if (event === 'change') steered.listeners[0]?.changed({ tenant: 'alice', version: Number.POSITIVE_INFINITY })
      await expect.poll(() => reason).toMatch(/^store_unavailable after \d+ ms$/)
      expect(Number(reason.split(' ')[2])).toBeGreaterThanOrEqual(1000)
      steered.release()
    }
  })

  it('ends no watch that could be verified in time', async () => {
    const { latchkey, token } = await open({ keys: { maxStaleness: 500 } })
    const auth = await latchkey.verify(token)
    const reasons: string[] = []
    latchkey.watch(auth, ({ code }) => reasons.push(code))
    // The feed is silent, and the database responds.
    await sleep(2500)
    expect(reasons).toEqual([])
    expect(await outcomeOf(() => latchkey.verify(token))).toMatchObject({ subject: 'alice' })
  })
})
