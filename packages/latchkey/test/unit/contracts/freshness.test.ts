import { afterEach, describe, expect, it } from 'vitest'
import { instantOf, systemClock } from '../../../src/clock.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

const maxStaleness = 2000

const opened: Latchkey[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((latchkey) => latchkey.close()))
})

/** Closed at the end of the test. */
function open<S extends { readonly latchkey: Latchkey }>(setup: S): S {
  opened.push(setup.latchkey)
  return setup
}

async function twoProcesses() {
  const shared = memoryStore()
  const clock = createFakeClock()
  const writer = setUp({ store: shared, clock })
  const steered = steer(shared)
  const reader = setUp({ store: steered.store, clock, keys: { maxStaleness } })
  const { token } = await writer.latchkey.issue({ subject: 'alice' })
  await reader.latchkey.verify(token)
  const [feed] = steered.listeners
  if (feed === undefined) throw new Error('The reader does not listen.')
  return { clock, writer, reader, steered, feed, token }
}

describe('a verifier whose feed is silent (C4)', () => {
  it('uses what it read for maxStaleness, then reads again, so that a revocation applies within that time', async () => {
    const { clock, writer, reader, token } = await twoProcesses()
    await writer.keys.revoke('alice')
    clock.advance(maxStaleness)
    expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
    clock.advance(1)
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('responds with 503 when the database is unavailable as well, never with 401, and never accepts', async () => {
    const { clock, reader, steered, token } = await twoProcesses()
    clock.advance(maxStaleness + 1)
    steered.setReachable(false)
    const refused = await Promise.resolve()
      .then(() => reader.latchkey.verify(token))
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'store_unavailable', status: 503 })
    steered.setReachable(true)
    expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('reads once for all concurrent verifications', async () => {
    const { clock, reader, steered, token } = await twoProcesses()
    clock.advance(maxStaleness + 1)
    const before = steered.reads
    await Promise.all(Array.from({ length: 50 }, () => reader.latchkey.verify(token)))
    expect(steered.reads).toBe(before + 1)
  })

  it('does not use a read that took longer than maxStaleness', async () => {
    const { clock, reader, steered, token } = await twoProcesses()
    clock.advance(maxStaleness + 1)
    steered.holdReads()
    const answer = outcomeOf(() => reader.latchkey.verify(token))
    for (let count = 0; count < 3; count += 1) {
      while (steered.held.length === 0) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(maxStaleness + 1)
      for (const arrive of (steered.held as (() => void)[]).splice(0)) arrive()
    }
    expect(await answer).toBe('store_unavailable')
  })
})

describe('a verifier whose feed proves freshness (C4)', () => {
  it('never reads a cached tenant again', async () => {
    const { clock, reader, steered, feed, token } = await twoProcesses()
    const before = steered.reads
    for (let count = 0; count < 100; count += 1) {
      feed.proved(instantOf(clock))
      clock.advance(maxStaleness)
      await reader.latchkey.verify(token)
    }
    expect(steered.reads).toBe(before)
  })

  it('counts from the start of the check, not from its end', async () => {
    const { clock, writer, reader, feed, token } = await twoProcesses()
    const began = instantOf(clock)
    clock.advance(maxStaleness)
    await writer.keys.revoke('alice')
    feed.proved(began)
    clock.advance(1)
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('uses no data from before its feed was lost', async () => {
    const { writer, reader, feed, token } = await twoProcesses()
    await writer.keys.revoke('alice')
    feed.lost()
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })
})

describe('the state of the feed', () => {
  it('is reported as soon as it is fresh', async () => {
    const states: boolean[] = []
    const steered = steer()
    const { keys } = open(
      setUp({ store: steered.store, keys: { maxStaleness: 60_000, onFeedChange: (isFresh) => states.push(isFresh) } }),
    )
    await keys.ready()
    steered.listeners[0]?.proved(instantOf(createFakeClock()))
    await expect.poll(() => states).toEqual([true])
  })

  it('is reported when it is fresh, is lost, goes silent and recovers', async () => {
    const steered = steer()
    const clock = systemClock
    const states: boolean[] = []
    const { keys } = open(
      setUp({
        store: steered.store,
        clock,
        keys: { maxStaleness: 250, onFeedChange: (isFresh) => states.push(isFresh) },
      }),
    )
    await keys.ready()
    const [feed] = steered.listeners
    feed?.proved(instantOf(clock))
    await expect.poll(() => states).toEqual([true])
    feed?.lost()
    feed?.proved(instantOf(clock))
    await expect.poll(() => states).toEqual([true, false, true])
    await expect.poll(() => states).toEqual([true, false, true, false])
    expect(keys.feedAgeMs).toBeGreaterThan(250)
  })
})

describe('elapsed time', () => {
  it('is the larger of two clocks’ readings, so that neither suspend nor a changed wall clock extends freshness', async () => {
    const suspended = await twoProcesses()
    await suspended.writer.keys.revoke('alice')
    suspended.clock.step(maxStaleness + 1)
    expect(await outcomeOf(() => suspended.reader.latchkey.verify(suspended.token))).toBe('token_revoked')

    const setBack = await twoProcesses()
    await setBack.writer.keys.revoke('alice')
    setBack.clock.advance(maxStaleness + 1)
    setBack.clock.step(-maxStaleness)
    expect(await outcomeOf(() => setBack.reader.latchkey.verify(setBack.token))).toBe('token_revoked')
  })
})

/**
 * A clock that advances at one of its next readings, as for a process that is stopped there and
 * continued later.
 */
function createStoppingClock() {
  const clock = createFakeClock()
  let readingsLeft = Number.POSITIVE_INFINITY
  const read = (value: () => number) => {
    readingsLeft -= 1
    if (readingsLeft === 0) clock.advance(maxStaleness + 1)
    return value()
  }
  return {
    ...clock,
    now: () => read(clock.now),
    monotonic: () => read(clock.monotonic),
    stopAt: (reading: number) => {
      readingsLeft = reading
    },
    hasStopped: () => readingsLeft <= 0,
  }
}

describe('a process that is stopped for longer than maxStaleness with a token in hand (SIGSTOP)', () => {
  it('does not accept it on stale data after it continues, wherever it was stopped', async () => {
    let stops = 0
    for (let reading = 1; reading <= 20; reading += 1) {
      const shared = memoryStore()
      const clock = createStoppingClock()
      const writer = setUp({ store: shared, clock })
      const reader = setUp({
        store: steer(shared).store,
        clock,
        keys: { maxStaleness },
        latchkey: { tokenCache: false },
      })
      const { token } = await writer.latchkey.issue({ subject: 'alice' })
      await reader.latchkey.verify(token)
      await writer.keys.revoke('alice')
      clock.stopAt(reading)
      const outcome = await outcomeOf(() => reader.latchkey.verify(token))
      if (!clock.hasStopped()) continue
      stops += 1
      expect(outcome, `stopped at reading ${reading}`).toBe('token_revoked')
    }
    expect(stops).toBeGreaterThan(2)
  })
})
