import { describe, expect, it } from 'vitest'
import { instantOf, longAgo } from '../../../src/clock.js'
import { LatchkeyError } from '../../../src/errors.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { VerifierLease } from '../../../src/tenants/verifier-lease.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

const cachingMs = 30_000

/** A lease whose renewals succeed when the test says so. */
function lend() {
  const clock = createFakeClock()
  const arriving: (() => void)[] = []
  const store = {
    renewLease: () => new Promise<void>((resolve) => arriving.push(resolve)),
    releaseLease: async () => {},
  }
  const lease = new VerifierLease({ store, clock, maxStalenessMs: 2000 })
  const arrive = async () => {
    arriving.shift()?.()
    await settle()
  }
  const isCached = () => lease.instant() !== longAgo
  return { clock, lease, arriving, arrive, isCached }
}

describe('a read of a verifier', () => {
  it('is cached once the lease is valid, and not while it is being renewed', async () => {
    const { lease, arrive, isCached } = lend()
    const ready = lease.ensure()
    expect(isCached()).toBe(false)
    await arrive()
    await ready
    expect(isCached()).toBe(true)
  })

  it('is not cached after the lease was lost during its renewal, until it is renewed once more', async () => {
    const { lease, arrive, arriving, isCached } = lend()
    const started = lease.start()
    await arrive()
    await started
    lease.expire()
    // Another loss, while the renewal may still create a row in the history before it.
    lease.expire()
    await arrive()
    expect(isCached()).toBe(false)
    expect(arriving).toHaveLength(1)
    await arrive()
    expect(isCached()).toBe(true)
    const closing = lease.close()
    await arrive()
    await closing
  })

  it('is cached for 30 s from the beginning of the renewal, however late that succeeded', async () => {
    const { clock, lease, arrive, isCached } = lend()
    const ready = lease.ensure()
    clock.advance(20_000)
    await arrive()
    await ready
    clock.advance(cachingMs - 20_000)
    expect(isCached()).toBe(true)
    clock.advance(1)
    expect(isCached()).toBe(false)
  })

  it('is cached without a gap while the lease is renewed in time', async () => {
    const { clock, lease, arrive, arriving, isCached } = lend()
    const ready = lease.ensure()
    await arrive()
    await ready
    for (let count = 0; count < 5; count += 1) {
      clock.advance(cachingMs - 1)
      expect(isCached()).toBe(true)
      await lease.ensure()
      expect(arriving).toHaveLength(0)
      clock.advance(2)
      const renewed = lease.ensure()
      expect(isCached()).toBe(false)
      await arrive()
      await renewed
      expect(isCached()).toBe(true)
    }
  })

  it('is not cached if it began between two leases', async () => {
    const { clock, lease, arrive } = lend()
    const ready = lease.ensure()
    await arrive()
    await ready
    clock.advance(cachingMs + 1)
    const again = lease.ensure()
    const between = lease.instant()
    await arrive()
    await again
    expect(between).toBe(longAgo)
    expect(lease.instant()).toEqual(instantOf(clock))
  })

  it('is not cached after the machine was suspended, nor after its wall clock was set back', async () => {
    const { clock, lease, arrive, isCached } = lend()
    const ready = lease.ensure()
    await arrive()
    await ready
    clock.step(-60_000)
    expect(isCached()).toBe(true)
    clock.step(60_000 + cachingMs + 1)
    expect(isCached()).toBe(false)
  })
})

describe('a verifier that cannot renew its lease', () => {
  it('answers 503 once its lease may have expired, although it can read, until it is renewed', async () => {
    const steered = steer()
    const { clock, latchkey } = setUp({ store: steered.store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { renewLease } = steered.store
    steered.store.renewLease = async () => {
      throw new LatchkeyError('store_unavailable')
    }
    clock.advance(cachingMs)
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(2001)
    await expect(async () => latchkey.verify(token)).rejects.toMatchObject({ code: 'store_unavailable' })
    steered.store.renewLease = renewLease
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    await latchkey.close()
  })

  it('does not start', async () => {
    const steered = steer()
    steered.store.renewLease = async () => {
      throw new LatchkeyError('store_unavailable')
    }
    const { keys } = setUp({ store: steered.store })
    await expect(keys.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('the list of verifiers', () => {
  it('contains each one from its first read until it is closed', async () => {
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
