import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { keyPair } from '../../../src/keys/key-pair.js'
import { sharedSecret } from '../../../src/keys/shared-secret.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import type { SharedCache, TenantRecord, TenantStore } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { createFakeClock } from '../../../src/testing/fake-clock.js'
import { generatePair } from '../../support/generate-pair.js'
import { masterKeys, outcomeOf, type Setup, setUp } from '../../support/setup.js'

const none = { roles: [], scope: '' }
const editor = { roles: ['editor'], scope: 'posts:read posts:write' }

/** A shared cache whose entries a test can roll back. */
function sharedCache() {
  const entries = new Map<string, string>()
  const cache: SharedCache = {
    ttlMs: 600_000,
    read: async (kids) => new Map(kids.flatMap((kid) => (entries.has(kid) ? [[kid, String(entries.get(kid))]] : []))),
    write: async (written) => {
      for (const { kid, value } of written) entries.set(kid, value)
    },
    close: async () => {},
  }
  return { cache, entries }
}

async function readAlice(store: TenantStore): Promise<TenantRecord> {
  const record = (await store.readTenants(['alice'])).get('alice')
  if (record === undefined) throw new Error('There is no alice.')
  return record
}

/** Writes a row as an attacker who controls only the database could. */
async function overwrite(store: TenantStore, change: (record: TenantRecord) => Partial<TenantRecord>): Promise<void> {
  await store.change('alice', (current) => (current === undefined ? undefined : { ...current, ...change(current) }))
}

/** Signs other claims with the tenant's real secret. */
async function forge(
  { store, masterKeys: ring }: Setup,
  token: string,
  more: Record<string, unknown>,
): Promise<string> {
  const [header = '', payload = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  const owner = (await store.readByKid([kid])).get(kid)
  const record = owner?.secrets.find((secret) => secret.kid === kid)
  if (owner === undefined || record === undefined) throw new Error('There is no secret to steal.')
  const binding = ['tenant-secret', owner.tenant, kid, record.generation, record.algorithm] as const
  const secret = Keyring.parse(ring).open(record, binding)
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...more }
  const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

describe('grants of a tenant (C1)', () => {
  it('apply at once to tokens that were issued before, in every process', async () => {
    const one = setUp()
    const two = setUp({ store: one.store, clock: one.clock })
    const { token } = await one.latchkey.issue({ subject: 'alice' })
    for (const { latchkey } of [one, two]) expect((await latchkey.verify(token)).grants).toEqual(none)
    await one.keys.setGrants('alice', editor, { everywhere: true })
    for (const { latchkey } of [one, two]) expect((await latchkey.verify(token)).grants).toEqual(editor)
    await two.keys.setGrants('alice', { roles: ['reader'] }, { everywhere: true })
    for (const { latchkey } of [one, two]) {
      expect((await latchkey.verify(token)).grants).toEqual({ roles: ['reader'], scope: '' })
    }
    await one.keys.setGrants('alice', {}, { everywhere: true })
    for (const { latchkey } of [one, two]) expect((await latchkey.verify(token)).grants).toEqual(none)
  })

  it('come from no claim of a token that the tenant’s own secret signed', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'alice' })
    const claims = { roles: ['admin'], role: 'admin', scope: 'all', grants: editor, client: true, client_id: 'alice' }
    const forged = await forge(setup, token, claims)
    expect((await setup.latchkey.verify(forged)).grants).toEqual(none)
    await setup.keys.setGrants('alice', editor)
    const wider = await forge(setup, token, { scope: 'posts:write all posts:delete' })
    expect((await setup.latchkey.verify(wider)).grants).toEqual({ roles: ['editor'], scope: 'posts:write' })
  })

  it('cannot be those of another client, by a client_id that is not the subject', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'alice', claims: { client_id: 'alice' } })
    expect((await setup.latchkey.verify(token)).subject).toBe('alice')
    for (const client_id of ['bob', ['alice'], '', null, 1]) {
      const forged = await forge(setup, token, { client_id })
      expect(await outcomeOf(() => setup.latchkey.verify(forged)), String(client_id)).toBe('subject_mismatch')
    }
    const issue = async () => setup.latchkey.issue({ subject: 'alice', claims: { client_id: 'bob' } })
    await expect(issue()).rejects.toThrow(TypeError)
  })

  it('last no longer than maxTokenTtl, whatever lifetime the secret signed', async () => {
    const setup = setUp({ keys: { maxTokenTtl: 3600 } })
    const { latchkey, clock } = setup
    const { token } = await latchkey.issue({ subject: 'alice', expiresIn: 3600 })
    expect((await latchkey.verify(token)).subject).toBe('alice')
    const nowSec = Math.floor(clock.now() / 1000)
    for (const lifetime of [
      { iat: nowSec, exp: nowSec + 3601 },
      { iat: nowSec, exp: nowSec + 31_536_000 },
      { iat: nowSec - 3601, exp: nowSec + 1 },
      { iat: 0, exp: nowSec + 60 },
      { iat: nowSec, exp: nowSec },
      { iat: nowSec + 3, exp: nowSec + 2 },
    ]) {
      const outcome = await outcomeOf(async () => latchkey.verify(await forge(setup, token, lifetime)))
      expect(outcome, JSON.stringify(lifetime)).toBe('claim_invalid')
    }
    const early = await forge(setup, token, { iat: nowSec + 6, exp: nowSec + 3606 })
    expect(await outcomeOf(() => latchkey.verify(early))).toBe('token_not_yet_valid')
  })

  it('survive every change of the secret, and end with forget', async () => {
    const { keys, latchkey } = setUp()
    await keys.provision('alice')
    await keys.setGrants('alice', { ...editor, plan: 'pro' })
    const kept = { ...editor, plan: 'pro' }
    for (const change of ['rotate', 'requireReissue', 'revoke', 'disable', 'enable'] as const) {
      await keys[change]('alice')
      expect((await keys.describe('alice'))?.grants, change).toEqual(kept)
    }
    await keys.revokeSession('alice', 'phone')
    const { token } = await latchkey.issue({ subject: 'alice' })
    expect((await latchkey.verify(token)).grants).toEqual(kept)
    await keys.forget('alice')
    await keys.provision('alice')
    expect((await keys.describe('alice'))?.grants).toEqual(none)
  })

  it('can be changed while the tenant is disabled, and are refused for one that does not exist', async () => {
    const { keys } = setUp()
    expect(await outcomeOf(() => keys.setGrants('absent', editor))).toBe('tenant_unknown')
    expect(await outcomeOf(() => keys.setGrants('absent', null))).toBe('tenant_unknown')
    await keys.provision('alice')
    await keys.disable('alice')
    await keys.setGrants('alice', editor)
    await keys.enable('alice')
    expect((await keys.describe('alice'))?.grants).toEqual(editor)
  })

  it('commit and roll back with the transaction of the caller', async () => {
    const store = memoryStore()
    const { keys, latchkey } = setUp({ store })
    const { token } = await latchkey.issue({ subject: 'alice' })
    const change = (isRefused: boolean) =>
      store.transaction(async (client) => {
        await keys.setGrants('alice', editor, { client } as never)
        if (isRefused) throw new Error('Rolled back by the test.')
      })
    await expect(change(true)).rejects.toThrow('Rolled back')
    expect((await latchkey.verify(token)).grants).toEqual(none)
    await change(false)
    expect((await latchkey.verify(token)).grants).toEqual(editor)
  })

  it('create no new version when nothing changes', async () => {
    const { keys } = setUp()
    await keys.provision('alice')
    const versions = new Set<number | undefined>()
    for (const grants of [editor, { scope: editor.scope, roles: editor.roles }]) {
      await keys.setGrants('alice', grants)
      versions.add((await keys.describe('alice'))?.version)
    }
    expect(versions.size).toBe(1)
  })
})

describe('a key source whose signer is the authority', () => {
  const { privateKey } = generatePair('ed25519')
  it.each([
    ['sharedSecret', () => sharedSecret({ secrets: ['x'.repeat(32)] })],
    ['keyPair', () => keyPair({ keys: [{ kid: 'k', alg: 'EdDSA', privateKey }] })],
  ])('grants the claims of its tokens: %s', async (_, create) => {
    const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys: create() })
    const { token } = await latchkey.issue({ subject: 'alice', claims: { ...editor, client_id: 'web' } })
    expect((await latchkey.verify(token)).grants).toEqual(editor)
  })
})

describe('sealed grants (C6, C7)', () => {
  it('open in no other tenant’s row, and not in a later row of their own', async () => {
    const { store, keys, latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    await keys.provision('root')
    await keys.setGrants('root', { roles: ['admin'] })
    const ofRoot = (await store.readTenants(['root'])).get('root')?.grants ?? null
    await keys.setGrants('alice', { roles: ['admin'] })
    const before = await readAlice(store)
    await keys.setGrants('alice', { roles: ['reader'] })
    for (const grants of [ofRoot, before.grants]) {
      await overwrite(store, () => ({ grants }))
      const fresh = setUp({ store })
      expect(await outcomeOf(() => fresh.latchkey.verify(token))).toBe('master_key_wrong')
      expect(await outcomeOf(() => keys.describe('alice'))).toBe('master_key_wrong')
      expect((await fresh.keys.checkSealed()).failed).toEqual({ master_key_wrong: 1 })
      // Changes that end rights still work, and grant none.
      await keys.rotate('alice')
      expect(await outcomeOf(() => latchkey.verify(token))).toBe('master_key_wrong')
    }
    await keys.setGrants('alice', { roles: ['reader'] })
    expect((await latchkey.verify(token)).grants).toEqual({ roles: ['reader'], scope: '' })
  })

  it('move to the newest master key, in rows of enabled and disabled tenants', async () => {
    const { store, keys } = setUp()
    for (const tenant of ['alice', 'bob']) {
      await keys.provision(tenant)
      await keys.setGrants(tenant, editor)
    }
    await keys.disable('bob')
    const both = `${Keyring.generate('newer')},${masterKeys}`
    const moved = setUp({ store, masterKeys: both })
    expect(await moved.keys.rewrap()).toBe(5)
    expect(await store.masterKeyIds()).toEqual(['newer'])
    expect(await moved.keys.checkSealed()).toEqual({ opened: 3, failed: {}, masterKeys: { newer: 3 } })
    const later = setUp({ store, masterKeys: String(both.split(',')[0]) })
    for (const tenant of ['alice', 'bob']) expect((await later.keys.describe(tenant))?.grants).toEqual(editor)
    const { token } = await later.latchkey.issue({ subject: 'alice' })
    expect((await later.latchkey.verify(token)).grants).toEqual(editor)
  })

  it('are not restored by an old entry of the shared cache', async () => {
    const { cache, entries } = sharedCache()
    const clock = createFakeClock()
    const { store, keys, latchkey } = setUp({ clock, keys: { cache } })
    const { token } = await latchkey.issue({ subject: 'alice' })
    await keys.setGrants('alice', editor)
    await setUp({ store, clock, keys: { cache } }).latchkey.verify(token)
    const old = new Map(entries)
    expect(old.size).toBe(1)
    const cached = setUp({ store, clock, keys: { cache } })
    expect((await cached.latchkey.verify(token)).grants).toEqual(editor)
    await keys.setGrants('alice', null)
    for (const [kid, value] of old) entries.set(kid, value)
    expect((await cached.latchkey.verify(token)).grants).toEqual(none)
    expect((await setUp({ store, clock, keys: { cache } }).latchkey.verify(token)).grants).toEqual(none)
  })
})

describe('grants in memory', () => {
  it('are one object for all tenants with equal grants', async () => {
    const { keys, latchkey } = setUp()
    const grants = []
    for (const subject of ['alice', 'bob']) {
      const { token } = await latchkey.issue({ subject })
      await keys.setGrants(subject, editor)
      grants.push((await latchkey.verify(token)).grants)
    }
    expect(grants[0]).toBe(grants[1])
    expect(Object.isFrozen(grants[0])).toBe(true)
  })

  it('end a watch when they change, and only then', async () => {
    const { keys, latchkey } = setUp()
    await keys.provision('alice')
    await keys.setGrants('alice', editor)
    const { token } = await latchkey.issue({ subject: 'alice' })
    const reason = new Promise<string>((resolve) => {
      void (async () => latchkey.watch(await latchkey.verify(token), ({ code }) => resolve(code)))()
    })
    await keys.rotate('alice')
    await keys.setGrants('alice', { scope: editor.scope, roles: editor.roles })
    expect(await Promise.race([reason, new Promise((resolve) => setImmediate(resolve, 'watching'))])).toBe('watching')
    await keys.setGrants('alice', { roles: ['reader'] })
    expect(await reason).toBe('grants_changed')
    await latchkey.close()
  })
})
