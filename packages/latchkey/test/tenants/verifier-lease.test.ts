import { describe, expect, it } from 'vitest'
import { instantOf, longAgo } from '../../src/clock.js'
import { LatchkeyError } from '../../src/errors.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { VerifierLease } from '../../src/tenants/verifier-lease.js'
import { createFakeClock } from '../../src/testing/fake-clock.js'
import { setUp } from '../support/setup.js'
import { settle, steer } from '../support/steered-store.js'

const learningMs = 30_000

/** A verifier whose registrations the test lets arrive. */
function register() {
  const clock = createFakeClock()
  const arriving: (() => void)[] = []
  const store = {
    register: () => new Promise<void>((resolve) => arriving.push(resolve)),
    unregister: async () => {},
  }
  const registration = new VerifierLease({ store, clock, maxStalenessMs: 2000 })
  const arrive = async () => {
    arriving.shift()?.()
    await settle()
  }
  const isBelieved = () => registration.instant() !== longAgo
  return { clock, registration, arriving, arrive, isBelieved }
}

describe('what a verifier learns', () => {
  it('is believed once it is registered, and not from the moment at which it asked to be', async () => {
    const { registration, arrive, isBelieved } = register()
    const ready = registration.ensure()
    expect(isBelieved()).toBe(false)
    await arrive()
    await ready
    expect(isBelieved()).toBe(true)
  })

  it('is believed for so long after it asked, however late it was answered', async () => {
    const { clock, registration, arrive, isBelieved } = register()
    const ready = registration.ensure()
    clock.advance(20_000)
    await arrive()
    await ready
    clock.advance(learningMs - 20_000)
    expect(isBelieved()).toBe(true)
    clock.advance(1)
    expect(isBelieved()).toBe(false)
  })

  it('is believed without a gap while it registers again in time', async () => {
    const { clock, registration, arrive, arriving, isBelieved } = register()
    const ready = registration.ensure()
    await arrive()
    await ready
    for (let count = 0; count < 5; count += 1) {
      clock.advance(learningMs - 1)
      expect(isBelieved()).toBe(true)
      await registration.ensure()
      expect(arriving).toHaveLength(0)
      clock.advance(2)
      const renewed = registration.ensure()
      expect(isBelieved()).toBe(false)
      await arrive()
      await renewed
      expect(isBelieved()).toBe(true)
    }
  })

  it('is never believed if it was learnt between two registrations', async () => {
    const { clock, registration, arrive } = register()
    const ready = registration.ensure()
    await arrive()
    await ready
    clock.advance(learningMs + 1)
    const again = registration.ensure()
    const between = registration.instant()
    await arrive()
    await again
    expect(between).toBe(longAgo)
    expect(registration.instant()).toEqual(instantOf(clock))
  })

  it('is not believed by a machine that was suspended meanwhile, nor when its wall clock was set back', async () => {
    const { clock, registration, arrive, isBelieved } = register()
    const ready = registration.ensure()
    await arrive()
    await ready
    clock.step(-60_000)
    expect(isBelieved()).toBe(true)
    clock.step(60_000 + learningMs + 1)
    expect(isBelieved()).toBe(false)
  })
})

describe('a verifier that cannot register', () => {
  it('answers 503 once it might be missed, although it can read, and goes on when it can again', async () => {
    const steered = steer()
    const { clock, latchkey } = setUp({ store: steered.store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { register: registers } = steered.store
    steered.store.register = async () => {
      throw new LatchkeyError('store_unavailable')
    }
    clock.advance(learningMs)
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(2001)
    await expect(async () => latchkey.verify(token)).rejects.toMatchObject({ code: 'store_unavailable' })
    steered.store.register = registers
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    await latchkey.close()
  })

  it('does not start', async () => {
    const steered = steer()
    steered.store.register = async () => {
      throw new LatchkeyError('store_unavailable')
    }
    const { keys } = setUp({ store: steered.store })
    await expect(keys.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('the list of verifiers', () => {
  it('has each one from before it learns anything until it was closed', async () => {
    const store = memoryStore()
    const one = setUp({ store })
    const other = setUp({ store, keys: { maxStaleness: 5000 } })
    expect(await store.verifiers()).toEqual([])
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    expect(await store.verifiers()).toMatchObject([{ maxStalenessMs: 2000 }])
    await other.latchkey.verify(token)
    expect(await store.verifiers()).toHaveLength(2)
    await one.latchkey.close()
    expect(await store.verifiers()).toMatchObject([{ maxStalenessMs: 5000 }])
    await other.latchkey.close()
    expect(await store.verifiers()).toEqual([])
  })
})
