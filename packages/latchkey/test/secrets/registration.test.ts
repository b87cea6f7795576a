import { describe, expect, it } from 'vitest'
import { instantOf, longAgo } from '../../src/clock.js'
import { LatchkeyError } from '../../src/errors.js'
import { VerifierLease } from '../../src/secrets/verifier-lease.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { createFakeClock } from '../../src/testing/fake-clock.js'
import { setUp } from '../support/setup.js'
import { settle, steer } from '../support/steered-store.js'

const leaseMs = 30_000

/** The lease of a verifier, whose renewals end when the test says so. */
function createLease() {
  const clock = createFakeClock()
  const arriving: (() => void)[] = []
  const store = {
    register: () => new Promise<void>((resolve) => arriving.push(resolve)),
    unregister: async () => {},
  }
  const lease = new VerifierLease({ store, clock, maxStalenessMs: 2000 })
  const arrive = async () => {
    arriving.shift()?.()
    await settle()
  }
  const isUsable = () => lease.instant() !== longAgo
  return { clock, lease, arriving, arrive, isUsable }
}

describe('data that a verifier reads', () => {
  it('is cached once the verifier has its lease, and not from the moment of the request', async () => {
    const { lease, arrive, isUsable } = createLease()
    const ready = lease.ensure()
    expect(isUsable()).toBe(false)
    await arrive()
    await ready
    expect(isUsable()).toBe(true)
  })

  it('is cached for the duration of the lease from the request on, however late the response', async () => {
    const { clock, lease, arrive, isUsable } = createLease()
    const ready = lease.ensure()
    clock.advance(20_000)
    await arrive()
    await ready
    clock.advance(leaseMs - 20_000)
    expect(isUsable()).toBe(true)
    clock.advance(1)
    expect(isUsable()).toBe(false)
  })

  it('is cached without a gap while the lease is renewed in time', async () => {
    const { clock, lease, arrive, arriving, isUsable } = createLease()
    const ready = lease.ensure()
    await arrive()
    await ready
    for (let count = 0; count < 5; count += 1) {
      clock.advance(leaseMs - 1)
      expect(isUsable()).toBe(true)
      await lease.ensure()
      expect(arriving).toHaveLength(0)
      clock.advance(2)
      const renewed = lease.ensure()
      expect(isUsable()).toBe(false)
      await arrive()
      await renewed
      expect(isUsable()).toBe(true)
    }
  })

  it('is never cached if it was read between two leases', async () => {
    const { clock, lease, arrive } = createLease()
    const ready = lease.ensure()
    await arrive()
    await ready
    clock.advance(leaseMs + 1)
    const again = lease.ensure()
    const between = lease.instant()
    await arrive()
    await again
    expect(between).toBe(longAgo)
    expect(lease.instant()).toEqual(instantOf(clock))
  })

  it('is not used after the machine was suspended, nor when its wall clock was set back', async () => {
    const { clock, lease, arrive, isUsable } = createLease()
    const ready = lease.ensure()
    await arrive()
    await ready
    clock.step(-60_000)
    expect(isUsable()).toBe(true)
    clock.step(60_000 + leaseMs + 1)
    expect(isUsable()).toBe(false)
  })
})

describe('a verifier that cannot get a lease', () => {
  it('responds with 503 once its lease may have expired, although it can read, and recovers with a new lease', async () => {
    const steered = steer()
    const { clock, latchkey } = setUp({ store: steered.store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { register: registers } = steered.store
    steered.store.register = async () => {
      throw new LatchkeyError('store_unavailable')
    }
    clock.advance(leaseMs)
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

describe('the lease of a verifier', () => {
  it('exists from before its first read until it is closed', async () => {
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
