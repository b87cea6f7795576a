import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { outcomeOf, setUp } from '../../support/setup.js'

/** Counts the calls that read or write the store. */
function counted(store: TenantStore): { store: TenantStore; calls: () => number } {
  let calls = 0
  const watched = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        calls += 1
        return Reflect.apply(member, target, args)
      }
    },
  })
  return { store: watched, calls: () => calls }
}

function segment(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

describe('a flood of forged tokens (C2)', () => {
  it('is refused in memory, without a call of the store', async () => {
    const { store, calls } = counted(memoryStore())
    const { latchkey } = setUp({ store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    await latchkey.verify(token)
    const before = calls()
    const payload = token.split('.')[1]
    for (let count = 0; count < 1000; count += 1) {
      const kid = randomBytes(24).toString('base64url')
      const forged = `${segment({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}.${randomBytes(32).toString('base64url')}`
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('kid_unknown')
    }
    for (const other of [{}, { kid: '' }, { kid: 'x'.repeat(32) }, { kid: '\0' }]) {
      const forged = `${segment({ alg: 'HS256', typ: 'at+jwt', ...other })}.${payload}.AAAA`
      expect(await outcomeOf(() => latchkey.verify(forged))).toBe('kid_unknown')
    }
    expect(calls()).toBe(before)
  })

  it('costs one read in all, if it has the kid of a tenant that was never read', async () => {
    const shared = memoryStore()
    const { token } = await setUp({ store: shared }).latchkey.issue({ subject: 'alice' })
    const { store, calls } = counted(shared)
    const { latchkey, keys } = setUp({ store })
    await keys.ready()
    const before = calls()
    const [header, payload] = token.split('.')
    const forged = Array.from({ length: 100 }, () => `${header}.${payload}.${randomBytes(32).toString('base64url')}`)
    const outcomes = await Promise.all(forged.map((text) => outcomeOf(() => latchkey.verify(text))))
    expect(new Set(outcomes)).toEqual(new Set(['signature_invalid']))
    expect(calls()).toBe(before + 1)
  })

  it('is refused before it is decoded, if its tokens are too large', async () => {
    const { latchkey } = setUp({ latchkey: { maxTokenBytes: 1000 } })
    expect(await outcomeOf(() => latchkey.verify('!'.repeat(1001)))).toBe('token_too_large')
    expect(await outcomeOf(() => latchkey.verify('!'.repeat(1000)))).toBe('token_malformed')
  })
})

describe('a token made by another library with a tenant’s kid', () => {
  it('is accepted with any order of header parameters', async () => {
    const { SignJWT } = await import('jose')
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'alice' })
    const { Keyring } = await import('../../../src/sealing/keyring.js')
    const stored = (await setup.store.readTenants(['alice'])).get('alice')?.secrets[0]
    if (stored === undefined) throw new Error('The tenant has no secret.')
    const binding = ['tenant-secret', 'alice', stored.kid, stored.generation, stored.algorithm] as const
    const secret = Keyring.parse(setup.masterKeys).open(stored, binding)
    const claims = JSON.parse(Buffer.from(String(token.split('.')[1]), 'base64url').toString())
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ kid: stored.kid, typ: 'at+jwt', alg: 'HS256' })
      .sign(secret)
    expect(foreign.split('.')[0]).not.toBe(token.split('.')[0])
    expect(await setup.latchkey.verify(foreign)).toMatchObject({ subject: 'alice' })
    await setup.keys.revoke('alice')
    expect(await outcomeOf(() => setup.latchkey.verify(foreign))).toBe('token_revoked')
  })
})
