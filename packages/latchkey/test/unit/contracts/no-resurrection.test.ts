import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instantOf } from '../../../src/clock.js'
import { LatchkeyError } from '../../../src/errors.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

async function slowReader({ maxTenants = 100, mayWrite = true } = {}) {
  const shared = memoryStore()
  const clock = createFakeClock()
  const writer = setUp({ store: shared, clock })
  const steered = steer(shared)
  const change = () => Promise.reject(new LatchkeyError('store_unavailable'))
  const store = mayWrite ? steered.store : { ...steered.store, change }
  const reader = setUp({ store, clock, keys: { maxTenants } })
  await reader.keys.ready()
  const [feed] = steered.listeners
  if (feed === undefined) throw new Error('The reader does not listen.')
  return { writer, reader, steered, feed }
}

describe('a read during which its tenant changes (C6)', () => {
  it('is discarded, whether the change is delivered before or after the read ends', async () => {
    for (const order of ['change first', 'read first']) {
      const { writer, reader, steered, feed } = await slowReader()
      const { token } = await writer.latchkey.issue({ subject: 'alice' })
      steered.holdReads()
      const answer = outcomeOf(() => reader.latchkey.verify(token))
      await settle()
      await writer.keys.revoke('alice')
      const version = (await writer.keys.describe('alice'))?.version ?? 0
      if (order === 'change first') feed.changed({ tenant: 'alice', version })
      steered.release()
      const first = await answer
      if (order === 'read first') feed.changed({ tenant: 'alice', version })
      if (order === 'change first') expect(first).toBe('token_revoked')
      expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
    }
  })

  it('does not restore a secret that this process itself has just ended', async () => {
    const { reader, steered } = await slowReader()
    const { token } = await reader.latchkey.issue({ subject: 'alice' })
    await reader.keys.rotate('alice')
    steered.holdReads()
    const answer = outcomeOf(() => reader.latchkey.verify(token))
    await settle()
    await reader.keys.forget('alice')
    steered.release()
    expect(await answer).toBe('token_revoked')
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('does not replace the result of a later read, when the change was not delivered', async () => {
    const { writer, reader, steered } = await slowReader()
    const before = await writer.latchkey.issue({ subject: 'alice' })
    steered.holdReads()
    const slow = reader.latchkey.issue({ subject: 'alice' })
    await settle()
    await writer.keys.revoke('alice')
    const after = await writer.latchkey.issue({ subject: 'alice' })
    const quick = reader.latchkey.verify(after.token)
    await settle()
    const [older, newer] = steered.held
    newer?.()
    await settle()
    older?.()
    await settle()
    steered.release()
    await Promise.all([slow, quick])
    expect(await outcomeOf(() => reader.latchkey.verify(before.token))).toBe('token_revoked')
  })

  it('is not used when the feed was lost meanwhile', async () => {
    const { writer, reader, steered, feed } = await slowReader()
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    steered.holdReads()
    const answer = outcomeOf(() => reader.latchkey.verify(token))
    await settle()
    await writer.keys.revoke('alice')
    feed.lost()
    steered.release()
    expect(await answer).toBe('token_revoked')
  })
})

describe('a tenant that a process has read before the feed delivered the change (C6)', () => {
  it('is not replaced by a slower read by another key, so that a refused token stays refused', async () => {
    const { writer, reader, steered } = await slowReader()
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    steered.holdReads()
    const slow = outcomeOf(() => reader.latchkey.issue({ subject: 'alice' }))
    await settle()
    await writer.keys.revoke('alice')
    const quick = outcomeOf(() => reader.latchkey.verify(token))
    await settle()
    ;(steered.held as (() => void)[]).pop()?.()
    expect(await quick).toBe('token_revoked')
    steered.release()
    await slow
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not replaced after a proof of the feed that is older than the change', async () => {
    const { writer, reader, feed } = await slowReader()
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    await reader.latchkey.verify(token)
    reader.clock.advance(2001)
    const asOf = instantOf(reader.clock)
    await writer.keys.revoke('alice')
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
    feed.proved(asOf)
    expect(await outcomeOf(() => reader.latchkey.verify(token))).toBe('token_revoked')
  })

  it('is not replaced by a slower read after it was evicted', async () => {
    const { writer, reader, steered } = await slowReader({ maxTenants: 1 })
    const before = await writer.latchkey.issue({ subject: 'alice' })
    const bob = await writer.latchkey.issue({ subject: 'bob' })
    steered.holdReads()
    const slow = outcomeOf(() => reader.latchkey.issue({ subject: 'alice' }))
    await settle()
    await writer.keys.revoke('alice')
    const after = await writer.latchkey.issue({ subject: 'alice' })
    for (const { token } of [after, bob]) {
      const quick = reader.latchkey.verify(token)
      await settle()
      ;(steered.held as (() => void)[]).pop()?.()
      await quick
    }
    steered.release()
    await slow
    expect(await outcomeOf(() => reader.latchkey.verify(before.token))).toBe('token_revoked')
  })

  it('is not replaced when the read found no such tenant', async () => {
    const { writer, reader, steered } = await slowReader({ mayWrite: false })
    const { token } = await writer.latchkey.issue({ subject: 'alice' })
    steered.holdReads()
    const slow = outcomeOf(() => reader.latchkey.verify(token))
    await settle()
    await writer.keys.forget('alice')
    const quick = outcomeOf(() => reader.latchkey.issue({ subject: 'alice' }))
    await settle()
    ;(steered.held as (() => void)[]).pop()?.()
    expect(await quick).toBe('store_unavailable')
    steered.release()
    expect(await slow).toBe('token_revoked')
  })
})

describe('readers, writers and the feed in any order', () => {
  it('never accept a token once its revocation was acknowledged and delivered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { minLength: 5, maxLength: 40 }), async (steps) => {
        const { writer, reader, steered, feed } = await slowReader()
        let { token } = await writer.latchkey.issue({ subject: 'alice' })
        const ended: string[] = []
        const pending: Promise<unknown>[] = []
        steered.holdReads()
        for (const step of steps) {
          if (step <= 1) pending.push(outcomeOf(() => reader.latchkey.verify(token)))
          else if (step === 2) (steered.held as (() => void)[]).shift()?.()
          else if (step === 3) (steered.held as (() => void)[]).pop()?.()
          else {
            await (step === 4 ? writer.keys.revoke('alice') : writer.keys.requireReissue('alice'))
            const version = (await writer.keys.describe('alice'))?.version ?? 0
            feed.changed({ tenant: 'alice', version })
            ended.push(token)
            token = (await writer.latchkey.issue({ subject: 'alice' })).token
          }
          await settle()
        }
        steered.release()
        await Promise.all(pending)
        for (const dead of ended) {
          expect(['token_revoked', 'reissue_required']).toContain(await outcomeOf(() => reader.latchkey.verify(dead)))
        }
        expect(await reader.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
      }),
      { numRuns: 150 },
    )
  })
})
