import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/clock.js'
import type { LatchkeyError } from '../../src/errors.js'
import { memoryStore } from '../../src/stores/memory/index.js'
import { createTestLatchkey } from '../../src/testing/index.js'
import { outcomeOf, setUp } from '../support/setup.js'

/** The globals that Vitest can fake in a worker. Jest fakes them by default. */
const faked = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
  'performance',
  'Date',
] as const

/** Shorter than that of other tests, because a test that is not done by then never ends. */
const limitMs = 20_000

beforeEach(() => void vi.useFakeTimers({ toFake: [...faked] }))
afterEach(() => void vi.useRealTimers())

/** Returns processes over one store, without a clock of their own. */
function processes(count: number) {
  const store = memoryStore()
  return Array.from({ length: count }, () => {
    const created = setUp({ store, clock: systemClock })
    onTestFinished(() => created.latchkey.close())
    return created
  })
}

describe('under fake timers', { timeout: limitMs }, () => {
  it('createTestLatchkey issues, verifies, rotates, revokes and closes', async () => {
    const { latchkey, keys, clock, tokenFor } = createTestLatchkey()
    const token = await tokenFor('ada')
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await keys.rotate('ada')
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await keys.revoke('ada', { everywhere: true })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    const later = await tokenFor('ada')
    clock.advance(16 * 60_000)
    expect(await outcomeOf(() => latchkey.verify(later))).toBe('token_expired')
    await latchkey.close()
  })

  it('another process reads a tenant, and learns of its revocation', async () => {
    const [one, other] = processes(2)
    if (one === undefined || other === undefined) throw new Error('There are two processes.')
    const { token } = await one.latchkey.issue({ subject: 'ada' })
    expect(await other.latchkey.verify(token)).toMatchObject({ subject: 'ada' })
    await one.keys.revoke('ada', { everywhere: true })
    expect(await outcomeOf(() => other.latchkey.verify(token))).toBe('token_revoked')
  })

  it('a watch ends', async () => {
    const [one] = processes(1)
    if (one === undefined) throw new Error('There is one process.')
    const { latchkey, keys } = one
    const auth = await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)
    const ended = new Promise<LatchkeyError>((resolve) => latchkey.watch(auth, resolve))
    await keys.revoke('ada')
    expect(await ended).toMatchObject({ code: 'token_revoked' })
  })

  it('a faked date is the time of a Latchkey without a clock of its own', async () => {
    const [one] = processes(1)
    if (one === undefined) throw new Error('There is one process.')
    const { latchkey } = one
    const { token } = await latchkey.issue({ subject: 'ada' })
    vi.setSystemTime(Date.now() + 16 * 60_000)
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_expired')
    const { token: later } = await latchkey.issue({ subject: 'ada' })
    expect(await latchkey.verify(later)).toMatchObject({ subject: 'ada' })
  })
})
