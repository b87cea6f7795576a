import { describe, expect, it } from 'vitest'
import type { TenantRecord, TenantState } from '../../../src/secrets/ports.js'
import { outcomeOf, setUp } from '../../support/setup.js'

describe('a tenant that was rotated', () => {
  it('has two secrets that verify until the grace period ends, then one', async () => {
    const { keys, latchkey, clock } = setUp({ keys: { gracePeriod: 600 } })
    const before = await latchkey.issue({ subject: 'alice', expiresIn: 3600 })
    await keys.rotate('alice')
    const after = await latchkey.issue({ subject: 'alice', expiresIn: 3600 })
    expect(await latchkey.verify(before.token)).toMatchObject({ subject: 'alice' })
    expect(await latchkey.verify(after.token)).toMatchObject({ subject: 'alice' })
    clock.advance(599_999)
    expect(await latchkey.verify(before.token)).toMatchObject({ subject: 'alice' })
    clock.advance(1)
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('reissue_required')
    expect(await latchkey.verify(after.token)).toMatchObject({ subject: 'alice' })
  })

  it('shows versions and dates, and never a secret', async () => {
    const { keys, latchkey } = setUp()
    await latchkey.issue({ subject: 'alice' })
    await keys.rotate('alice')
    const description = await keys.describe('alice')
    expect(description?.secrets.map((secret) => secret.generation)).toEqual([1, 2])
    expect(JSON.stringify(description)).not.toContain('sealed')
  })
})

describe('a tenant that was revoked', () => {
  it('loses all its tokens, and no other tenant loses one', async () => {
    const { keys, latchkey } = setUp()
    const alice = [await latchkey.issue({ subject: 'alice' }), await latchkey.issue({ subject: 'alice' })]
    const bob = await latchkey.issue({ subject: 'bob' })
    for (const { token } of [...alice, bob]) await latchkey.verify(token)
    await keys.revoke('alice')
    for (const { token } of alice) expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    expect(await latchkey.verify(bob.token)).toMatchObject({ subject: 'bob' })
  })

  it('can sign in again at once, with a new secret', async () => {
    const { keys, latchkey } = setUp()
    await latchkey.issue({ subject: 'alice' })
    await keys.revoke('alice')
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect(await latchkey.verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('costs one read for all later attempts with tokens of one revoked secret', async () => {
    const { keys, latchkey, store } = setUp()
    const tokens = [await latchkey.issue({ subject: 'alice' }), await latchkey.issue({ subject: 'alice' })]
    await keys.revoke('alice')
    let reads = 0
    const readByKid = store.readByKid.bind(store)
    store.readByKid = (kids) => {
      reads += 1
      return readByKid(kids)
    }
    for (let count = 0; count < 10; count += 1) {
      for (const { token } of tokens) await outcomeOf(() => latchkey.verify(token))
    }
    expect(reads).toBe(1)
  })
})

describe('a session that was revoked', () => {
  it('ends only on its own device', async () => {
    const { keys, latchkey } = setUp()
    const phone = await latchkey.issue({ subject: 'alice', sessionId: 'phone' })
    const laptop = await latchkey.issue({ subject: 'alice', sessionId: 'laptop' })
    await latchkey.verify(phone.token)
    await keys.revokeSession('alice', 'phone')
    expect(await outcomeOf(() => latchkey.verify(phone.token))).toBe('session_ended')
    expect(await latchkey.verify(laptop.token)).toMatchObject({ sessionId: 'laptop' })
  })

  it('stays ended after a rotation', async () => {
    const { keys, latchkey } = setUp()
    const phone = await latchkey.issue({ subject: 'alice', sessionId: 'phone' })
    await keys.revokeSession('alice', 'phone')
    await keys.rotate('alice')
    expect(await outcomeOf(() => latchkey.verify(phone.token))).toBe('session_ended')
  })
})

describe('a tenant whose tokens must be reissued', () => {
  it('gets the hint to refresh, not to sign in', async () => {
    const { keys, latchkey } = setUp()
    const before = await latchkey.issue({ subject: 'alice', claims: { role: 'admin' } })
    await keys.requireReissue('alice')
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('reissue_required')
    const after = await latchkey.issue({ subject: 'alice', claims: { role: 'reader' } })
    expect(await latchkey.verify(after.token)).toMatchObject({ claims: { role: 'reader' } })
  })

  it('gets the hint also from a verifier whose clock is behind', async () => {
    const { keys, latchkey, clock } = setUp()
    const before = await latchkey.issue({ subject: 'alice' })
    await keys.requireReissue('alice')
    clock.step(-4000)
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('reissue_required')
  })
})

describe('a tenant that is disabled', () => {
  it('has no valid token and gets none until it is enabled, and earlier tokens stay revoked', async () => {
    const { keys, latchkey } = setUp()
    const before = await latchkey.issue({ subject: 'alice' })
    await keys.disable('alice')
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('token_revoked')
    expect(await outcomeOf(() => latchkey.issue({ subject: 'alice' }))).toBe('tenant_disabled')
    for (const change of [keys.rotate, keys.requireReissue, keys.provision]) {
      await expect(change.call(keys, 'alice')).rejects.toMatchObject({
        code: 'tenant_inactive',
        status: 409,
        headers: {},
      })
    }
    await keys.enable('alice')
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('token_revoked')
    const after = await latchkey.issue({ subject: 'alice' })
    expect(await latchkey.verify(after.token)).toMatchObject({ subject: 'alice' })
  })
})

describe('a tenant that was forgotten', () => {
  it('is deleted, and a new tenant with its ID inherits nothing', async () => {
    const { keys, latchkey } = setUp()
    const before = await latchkey.issue({ subject: 'alice' })
    await keys.forget('alice')
    expect(await keys.describe('alice')).toBeUndefined()
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('token_revoked')
    await latchkey.issue({ subject: 'alice' })
    expect(await outcomeOf(() => latchkey.verify(before.token))).toBe('token_revoked')
    await keys.forget('absent')
  })
})

describe('a wrong call', () => {
  it('is refused with a code when it comes from a request, and with a TypeError when it comes from the program', async () => {
    const { keys, latchkey } = setUp()
    for (const tenant of ['', 'a\0b', 'x'.repeat(256), '\ud800']) {
      expect(await outcomeOf(() => keys.provision(tenant))).toBe('tenant_invalid')
      expect(await outcomeOf(() => latchkey.issue({ subject: tenant }))).toBe('tenant_invalid')
    }
    for (const change of [keys.rotate('absent'), keys.revoke('absent'), keys.disable('absent')]) {
      await expect(change).rejects.toMatchObject({ code: 'tenant_unknown' })
    }
    await expect(keys.revokeSession('alice', '')).rejects.toThrow(TypeError)
    await expect(async () => latchkey.issue({ subject: 'alice', expiresIn: 1e9 })).rejects.toThrow(TypeError)
    await expect(async () => latchkey.issue({ subject: 'alice', claims: { sub: 'bob' } })).rejects.toThrow(TypeError)
    expect(() => setUp({ keys: { maxStaleness: 1 } })).toThrow(TypeError)
    expect(() => setUp({ latchkey: { issuer: '' } })).toThrow(TypeError)
    expect(() => setUp({ latchkey: { audience: [] } })).toThrow(TypeError)
  })

  it('fails with 503 after close', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.close()
    await latchkey.close()
    expect(await outcomeOf(() => latchkey.issue({ subject: 'alice' }))).toBe('store_closed')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('store_closed')
  })
})

describe('a tenant whose record another program wrote', () => {
  it('is refused while disabled, although it has a secret', async () => {
    const { latchkey, store } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await store.change('alice', (current) => current && { ...current, disabledAt: 1 })
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    expect(await outcomeOf(() => latchkey.issue({ subject: 'alice' }))).toBe('tenant_disabled')
  })

  it('must have its tokens reissued when its secret requires it, although it still signs', async () => {
    const { latchkey, store } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const reissued = (current: TenantRecord): TenantState => ({
      ...current,
      secrets: current.secrets.map((secret) => ({ ...secret, reissueRequired: true })),
    })
    await store.change('alice', (current) => current && reissued(current))
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('reissue_required')
  })
})
