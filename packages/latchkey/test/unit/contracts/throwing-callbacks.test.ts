import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sessionIds } from '../../../src/claims/session-ids.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const fault = new Error('fault of the application')
const faults = [
  [
    'throws',
    () => {
      throw fault
    },
  ],
  ['rejects', () => Promise.reject(fault)],
] as const

/**
 * Returns the warnings of the process. An error that escaped would end the process and fail the
 * run.
 */
function listenToWarnings(): unknown[] {
  const warnings: unknown[] = []
  const listener = (warning: Error) => void warnings.push(warning)
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return warnings
}

describe.each(faults)('a callback of the application that %s', (_, fail) => {
  it('causes only a warning as onForgery', async () => {
    const store = setUp()
    const foreign = await store.latchkey.issue({ subject: 'alice', sessionId: randomUUID() })
    const { latchkey } = setUp({
      store: store.store,
      clock: store.clock,
      latchkey: { sessionIds: sessionIds(Buffer.alloc(32, 1)), onForgery: fail },
    })
    const warnings = listenToWarnings()
    expect(await outcomeOf(() => latchkey.verify(foreign.token))).toBe('session_forged')
    await expect.poll(() => warnings).toContain(fault)
    expect(await outcomeOf(() => latchkey.verify(foreign.token))).toBe('session_forged')
  })

  it('causes only a warning for the end of a watched token', async () => {
    const { latchkey, keys } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    latchkey.watch(await latchkey.verify(token), fail)
    const warnings = listenToWarnings()
    await keys.revoke('alice')
    await expect.poll(() => warnings).toContain(fault)
  })

  it('causes only a warning as onFeedChange', async () => {
    const warnings = listenToWarnings()
    const { latchkey, keys } = setUp({ keys: { onFeedChange: fail } })
    await keys.ready()
    await expect.poll(() => warnings).toContain(fault)
    expect(await latchkey.issue({ subject: 'alice' })).toMatchObject({ token: expect.any(String) })
  })
})
