import { describe, expect, it } from 'vitest'
import type { Auth } from '../../../src/auth.js'
import { instantOf } from '../../../src/clock.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { settle, steer } from '../../support/steered-store.js'

describe('a token that was verified before (C8)', () => {
  it('is verified synchronously, with the same identity', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const first = latchkey.verify(token)
    expect(first).not.toBeInstanceOf(Promise)
    expect(latchkey.verify(token)).toBe(first)
  })

  it.each(['rotate and wait', 'revoke', 'revokeSession', 'requireReissue', 'disable', 'forget', 'expiry'])(
    'ends with %s',
    async (ending) => {
      const { latchkey, keys, clock } = setUp({ keys: { gracePeriod: 60 } })
      const { token, sessionId } = await latchkey.issue({ subject: 'alice' })
      latchkey.verify(token)
      latchkey.verify(token)
      if (ending === 'rotate and wait') {
        await keys.rotate('alice')
        await latchkey.verify(token)
        clock.advance(60_000)
      } else if (ending === 'expiry') clock.advance(905_000)
      else if (ending === 'revokeSession') await keys.revokeSession('alice', sessionId)
      else await keys[ending as 'revoke' | 'requireReissue' | 'disable' | 'forget']('alice')
      expect(await outcomeOf(() => latchkey.verify(token))).toMatch(
        /^(token_revoked|reissue_required|session_ended|token_expired)$/,
      )
    },
  )

  it('expires on time, also while the feed is fresh', async () => {
    const steered = steer()
    const { latchkey, clock } = setUp({ store: steered.store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.verify(token)
    clock.advance(905_000)
    steered.listeners[0]?.proved(instantOf(clock))
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_expired')
  })

  it('is dropped with its tenant, whose changes are no longer tracked', async () => {
    const { latchkey, store } = setUp({ keys: { maxTenants: 1 } })
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.verify(token)
    await settle()
    await latchkey.verify((await latchkey.issue({ subject: 'bob' })).token)
    const readByKid = store.readByKid.bind(store)
    let reads = 0
    store.readByKid = (kids) => {
      reads += 1
      return readByKid(kids)
    }
    await latchkey.verify(token)
    expect(reads).toBe(1)
  })

  it('is compared as a whole, so that another token with the same signature is verified and refused', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const other = await latchkey.issue({ subject: 'alice', claims: { role: 'admin' } })
    latchkey.verify(token)
    const [header, payload] = other.token.split('.')
    const mixed = `${header}.${payload}.${token.split('.')[2]}`
    expect(await outcomeOf(() => latchkey.verify(mixed))).toBe('signature_invalid')
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('returns claims that a caller cannot change for others', async () => {
    const { latchkey } = setUp()
    const claims = { role: 'reader', nested: { list: ['a', { deep: 1 }] } }
    const { token } = await latchkey.issue({ subject: 'alice', claims })
    const auth = (await latchkey.verify(token)) as Auth & { claims: { nested: { list: unknown[] } } }
    expect(() => Object.assign(auth, { subject: 'bob' })).toThrow(TypeError)
    expect(() => Object.assign(auth.claims, { role: 'admin' })).toThrow(TypeError)
    expect(() => auth.claims.nested.list.push('b')).toThrow(TypeError)
    expect(() => Object.assign(auth.claims.nested.list[1] as object, { deep: 2 })).toThrow(TypeError)
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice', claims })
  })

  it('stays while other tokens are used once, and is evicted for those that are used again', async () => {
    const { latchkey } = setUp({ latchkey: { tokenCache: { maxEntries: 1000 } } })
    const issue = async () => (await latchkey.issue({ subject: 'alice' })).token
    const known = new Map<string, Auth>()
    for (let count = 0; count < 1000; count += 1) {
      const token = await issue()
      known.set(token, await latchkey.verify(token))
    }
    for (let count = 0; count < 300; count += 1) await latchkey.verify(await issue())
    const kept = [...known].filter(([token, auth]) => latchkey.verify(token) === auth)
    expect(kept.length).toBeGreaterThan(900)
    const newcomer = await issue()
    await latchkey.verify(newcomer)
    const again = await latchkey.verify(newcomer)
    expect(latchkey.verify(newcomer)).toBe(again)
  })

  it('is not cached when it is so long that a few would fill the memory', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice', claims: { long: 'x'.repeat(2000) } })
    const first = await latchkey.verify(token)
    expect(latchkey.verify(token)).not.toBe(first)
    expect(latchkey.verify(token)).toEqual(first)
  })

  it('is verified again every time when the cache is switched off', async () => {
    const { latchkey } = setUp({ latchkey: { tokenCache: false } })
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(latchkey.verify(token)).not.toBe(latchkey.verify(token))
    expect(latchkey.verify(token)).toEqual(latchkey.verify(token))
  })

  it('is counted as a hit or a miss', async () => {
    const { latchkey, keys } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.verify(token)
    await latchkey.verify(token)
    expect(latchkey.tokenCacheUse()).toEqual({ hits: 1, misses: 1, entries: 1 })
    await outcomeOf(() => latchkey.verify(`${token.slice(0, -8)}AAAAAAAA`))
    expect(latchkey.tokenCacheUse()).toEqual({ hits: 1, misses: 2, entries: 1 })
    await keys.revoke('alice')
    await outcomeOf(() => latchkey.verify(token))
    expect(latchkey.tokenCacheUse()).toEqual({ hits: 1, misses: 3, entries: 0 })
  })
})
