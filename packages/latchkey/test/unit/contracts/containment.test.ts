import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Keyring } from '../../../src/sealing/keyring.js'
import type { TenantRecord } from '../../../src/secrets/ports.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'

/**
 * The loot of an attacker with one tenant's secret: the bytes, the kid, and a valid token to copy
 * from.
 */
async function steal(setup: Setup, tenant: string): Promise<{ secret: Buffer; record: TenantRecord; token: string }> {
  const { token } = await setup.latchkey.issue({ subject: tenant })
  const record = (await setup.store.readTenants([tenant])).get(tenant)
  const stored = record?.secrets[0]
  if (record === undefined || stored === undefined) throw new Error('The tenant has no secret to steal.')
  const binding = ['tenant-secret', tenant, stored.kid, stored.generation, stored.algorithm] as const
  return { secret: Keyring.parse(masterKeys).open(stored, binding), record, token }
}

function forge(header: object, claims: object, secret: Uint8Array): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url')
}

function decode(token: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token.split('.')[part]), 'base64url').toString())
}

describe('an attacker with one tenant’s secret (C1)', () => {
  it('can sign valid tokens of that tenant, so that these tests attack for real', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    const forged = forge(decode(token, 0), { ...decode(token, 1), role: 'admin' }, secret)
    expect(await setup.latchkey.verify(forged)).toMatchObject({ subject: 'alice', claims: { role: 'admin' } })
  })

  it('cannot sign tokens of another tenant, under any kid', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    const bob = await setup.latchkey.issue({ subject: 'bob' })
    const claimsOfBob = { ...decode(token, 1), sub: 'bob' }
    const underOwnKid = forge(decode(token, 0), claimsOfBob, secret)
    const underBobsKid = forge(decode(bob.token, 0), claimsOfBob, secret)
    expect(await outcomeOf(() => setup.latchkey.verify(underOwnKid))).toBe('subject_mismatch')
    expect(await outcomeOf(() => setup.latchkey.verify(underBobsKid))).toBe('signature_invalid')
  })

  it('cannot encode the header in another way, also right after the canonical one', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    const [header = '', payload = ''] = token.split('.')
    const text = Buffer.from(header, 'base64url').toString()
    const variants = [
      ...Array.from({ length: header.length }, (_, at) => `${header.slice(0, at)}!${header.slice(at + 1)}`),
      ...Array.from({ length: header.length }, (_, at) => `${header.slice(0, at)}=${header.slice(at + 1)}`),
      ...Array.from({ length: text.length }, (_, at) => encoded(`${text.slice(0, at)}\u0001${text.slice(at + 1)}`)),
      ...['A', 'I', 'Q', '1', '2', '3'].map((last) => header.slice(0, -1) + last),
      `${header}=`,
      ` ${header.slice(1)}`,
    ]
    for (const variant of variants.filter((one) => one !== header)) {
      expect(await setup.latchkey.verify(token)).toMatchObject({ subject: 'alice' })
      const input = `${variant}.${payload}`
      const forged = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
      expect(['token_malformed', 'header_refused', 'algorithm_refused', 'type_mismatch', 'kid_unknown']).toContain(
        await outcomeOf(() => setup.latchkey.verify(forged)),
      )
    }
  })

  it('cannot sign tokens of tenants with similar IDs', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    for (const sub of [
      'Alice',
      'alice ',
      'alice\u0000',
      'alicе',
      ['alice'],
      null,
      { toString: 'alice' },
      undefined,
      '',
    ]) {
      const forged = forge(decode(token, 0), { ...decode(token, 1), sub }, secret)
      expect(['subject_mismatch', 'claim_invalid', 'claim_missing']).toContain(
        await outcomeOf(() => setup.latchkey.verify(forged)),
      )
    }
  })

  it('cannot use the secret at another issuer, audience or kind of token', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    const claims = decode(token, 1)
    const header = decode(token, 0)
    const outcome = (forged: string) => outcomeOf(() => setup.latchkey.verify(forged))
    expect(await outcome(forge(header, { ...claims, iss: 'https://other.test' }, secret))).toBe('issuer_mismatch')
    expect(await outcome(forge(header, { ...claims, aud: 'other' }, secret))).toBe('audience_mismatch')
    expect(await outcome(forge({ ...header, typ: 'JWT' }, claims, secret))).toBe('type_mismatch')
    expect(await outcome(forge({ ...header, typ: undefined }, claims, secret))).toBe('type_mismatch')
  })

  it('has no valid token once that tenant is revoked', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    await setup.keys.revoke('alice')
    expect(await outcomeOf(() => setup.latchkey.verify(token))).toBe('token_revoked')
    const fresh = await setup.latchkey.issue({ subject: 'alice' })
    const forged = forge(decode(fresh.token, 0), decode(fresh.token, 1), secret)
    expect(await outcomeOf(() => setup.latchkey.verify(forged))).toBe('signature_invalid')
  })
})

describe('the algorithm of a tenant’s secret (C3)', () => {
  it('is the one it was created with, whatever a header says', async () => {
    const setup = setUp()
    const { secret, token } = await steal(setup, 'alice')
    for (const alg of ['HS384', 'HS512', 'RS256', 'ES256', 'none', 'hs256']) {
      const forged = forge({ ...decode(token, 0), alg }, decode(token, 1), secret)
      expect(await outcomeOf(() => setup.latchkey.verify(forged))).toBe('algorithm_refused')
    }
  })

  it('may be any HMAC, and changes with the next rotation', async () => {
    const first = setUp()
    const before = await first.latchkey.issue({ subject: 'alice' })
    const second = setUp({ store: first.store, clock: first.clock, keys: { algorithm: 'HS512' } })
    expect(await second.latchkey.verify(before.token)).toMatchObject({ subject: 'alice' })
    await second.keys.rotate('alice')
    const after = await second.latchkey.issue({ subject: 'alice' })
    expect(decode(after.token, 0)).toMatchObject({ alg: 'HS512' })
    expect(await second.latchkey.verify(after.token)).toMatchObject({ subject: 'alice' })
    expect(await second.latchkey.verify(before.token)).toMatchObject({ subject: 'alice' })
  })
})
