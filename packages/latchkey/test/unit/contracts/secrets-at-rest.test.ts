import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Keyring } from '../../../src/sealing/keyring.js'
import type { TenantRecord } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { masterKeys, outcomeOf, setUp } from '../../support/setup.js'

/** A store that changes each tenant it reads, as an attacker who can write the database could. */
function tamper(shared: ReturnType<typeof memoryStore>, change: (record: TenantRecord) => TenantRecord) {
  const altered = async (read: Promise<ReadonlyMap<string, TenantRecord>>) =>
    new Map([...(await read)].map(([key, record]) => [key, change(record)] as const))
  return new Proxy(shared, {
    get(target, name) {
      if (name === 'readByKid') return (kids: string[]) => altered(target.readByKid(kids))
      if (name === 'readTenants') return (tenants: string[]) => altered(target.readTenants(tenants))
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

describe('secrets at rest (C7)', () => {
  it('are nowhere in the store, in the output of inspect, or in that of describe', async () => {
    const { keys, latchkey, store } = setUp()
    await latchkey.issue({ subject: 'alice' })
    const record = (await store.readTenants(['alice'])).get('alice')
    const stored = record?.secrets[0]
    if (stored === undefined) throw new Error('The tenant has no secret.')
    const binding = ['tenant-secret', 'alice', stored.kid, stored.generation, stored.algorithm] as const
    const secret = Keyring.parse(masterKeys).open(stored, binding)
    const shown = [record, keys, latchkey, await keys.describe('alice')]
      .map((value) => inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value))
      .join()
    for (const encoding of ['base64url', 'base64', 'hex', 'latin1'] as const) {
      expect(shown).not.toContain(secret.toString(encoding).slice(0, 12))
    }
  })

  it('open only for their own tenant, kid, generation and algorithm, and not in a row moved to another tenant', async () => {
    const shared = memoryStore()
    const writer = setUp({ store: shared })
    const { token } = await writer.latchkey.issue({ subject: 'mallory' })
    const moved = setUp({ store: tamper(shared, (record) => ({ ...record, tenant: 'alice' })) })
    expect(await outcomeOf(() => moved.latchkey.verify(token))).toBe('master_key_wrong')
    const renumbered = setUp({
      store: tamper(shared, (record) => ({
        ...record,
        secrets: record.secrets.map((secret) => ({ ...secret, generation: 9 })),
      })),
    })
    expect(await outcomeOf(() => renumbered.latchkey.verify(token))).toBe('master_key_wrong')
  })

  it('stop the process at the start when it lacks their master key, or has another under the same ID', async () => {
    const store = memoryStore()
    const first = setUp({ store })
    await first.latchkey.issue({ subject: 'alice' })
    const without = setUp({ store, masterKeys: Keyring.generate('other') })
    expect(await outcomeOf(() => without.keys.ready())).toBe('master_key_missing')
    expect(await outcomeOf(() => without.latchkey.issue({ subject: 'alice' }))).toBe('master_key_missing')
    const wrong = setUp({ store, masterKeys: Keyring.generate('test') })
    expect(await outcomeOf(() => wrong.keys.ready())).toBe('master_key_wrong')
  })

  it('stop the process at the start also when it lacks the master key of only some of them', async () => {
    const store = memoryStore()
    const first = setUp({ store })
    await first.latchkey.issue({ subject: 'alice' })
    const second = setUp({ store, masterKeys: `${Keyring.generate('newest')},${first.masterKeys}` })
    await second.latchkey.issue({ subject: 'bob' })
    const third = setUp({ store, masterKeys: first.masterKeys })
    expect(await outcomeOf(() => third.keys.ready())).toBe('master_key_missing')
  })

  it('move to a new master key while tokens stay valid, and then the old key can be removed', async () => {
    const store = memoryStore()
    const first = setUp({ store })
    const tokens = []
    for (let count = 0; count < 1201; count += 1) {
      tokens.push((await first.latchkey.issue({ subject: `tenant-${count}` })).token)
    }
    const newest = Keyring.generate('newest')
    const second = setUp({ store, masterKeys: `${newest},${first.masterKeys}` })
    // 1,201 secrets, the kid key and the key of the shared cache.
    expect(await second.keys.rewrap()).toBe(1203)
    expect(await second.keys.rewrap()).toBe(0)
    expect(await store.masterKeyIds()).toEqual(['newest'])
    const third = setUp({ store, masterKeys: newest })
    for (const process of [first, second, third]) {
      expect(await process.latchkey.verify(String(tokens[1200]))).toMatchObject({ subject: 'tenant-1200' })
    }
  })
})

describe('pruning', () => {
  it('deletes rows once no verifier needs them, and no earlier', async () => {
    const { keys, latchkey, clock } = setUp({ keys: { gracePeriod: 60, maxTokenTtl: 3600 } })
    await latchkey.issue({ subject: 'alice' })
    await keys.rotate('alice')
    await keys.revokeSession('alice', 'phone')
    clock.advance(4_600_000)
    await keys.prune()
    expect(await keys.describe('alice')).toMatchObject({ secrets: [{ generation: 1 }, { generation: 2 }] })
    clock.advance(4_660_001)
    await keys.prune()
    expect(await keys.describe('alice')).toMatchObject({ secrets: [{ generation: 2 }], endedSessions: [] })
  })
})
