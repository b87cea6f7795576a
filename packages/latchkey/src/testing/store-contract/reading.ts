import { deepEqual, equal } from 'node:assert/strict'
import type { ContractTests } from './contract.js'
import { put, range, read, secretOf, someTime, sorted, stateOf } from './fixtures.js'

/** Tenant IDs that naive quoting, encoding, trimming or collation would damage or confuse. */
export const oddTenants = [
  'x'.repeat(255),
  '€'.repeat(255),
  '👩‍🚀'.repeat(40),
  "o'brien",
  '"quoted"',
  'back\\slash',
  '{a,b}',
  'null',
  'NULL',
  '%_',
  '$1',
  ' ',
  '  ',
  'tab\tline\nend\r',
  'a',
  'A',
  'a ',
  'é',
  'e\u0301',
  '12 34',
  '\u{10ffff}',
  '\u0001',
]

export const reading: ContractTests = {
  async 'finds a tenant by its ID and by each of its kids'({ store }) {
    const secrets = [secretOf({ retiresAt: someTime }), secretOf({ generation: 2 })]
    const written = await put(store, 'alice', stateOf(secrets))
    await put(store, 'bob', stateOf([secretOf()]))
    deepEqual(await read(store, 'alice'), written)
    const found = await store.readByKid(secrets.map((secret) => secret.kid))
    equal(found.size, 2)
    for (const { kid } of secrets) deepEqual(sorted(found.get(kid) ?? written), written)
  },

  async 'omits kids and tenants that do not exist'({ store }) {
    const secret = secretOf()
    await put(store, 'alice', stateOf([secret]))
    deepEqual([...(await store.readByKid([secret.kid, 'absent'])).keys()], [secret.kid])
    deepEqual([...(await store.readTenants(['alice', 'absent'])).keys()], ['alice'])
    equal((await store.readByKid([])).size, 0)
    equal((await store.readTenants([])).size, 0)
  },

  async 'returns every field as it was written'({ store, other }) {
    const state = {
      disabledAt: someTime,
      revokedAt: someTime + 1,
      forgottenUntil: someTime + 2,
      secrets: [
        secretOf({ algorithm: 'HS512', masterKeyId: 'a.b_c-D', retiresAt: someTime + 1, reissueRequired: true }),
        secretOf({ algorithm: 'HS384', generation: 2, createdAt: 0 }),
      ],
      endedSessions: [
        { sessionId: 'phone', until: someTime },
        { sessionId: "tablet'", until: 9_007_199_254_740_991 },
      ],
      grants: { masterKeyId: 'a.b_c-D', sealed: 'x-_9' },
    }
    const written = await put(store, 'alice', state)
    deepEqual(written, { tenant: 'alice', version: written.version, ...state })
    deepEqual(await read(store, 'alice'), written)
    deepEqual(await read(other, 'alice'), written)
  },

  async 'keeps a tenant that has no secret'({ store }) {
    const written = await put(store, 'alice', { ...stateOf([]), disabledAt: someTime })
    deepEqual(await read(store, 'alice'), written)
  },

  async 'reads hundreds of tenants at once without confusing them'({ store }) {
    const tenants = range(300).map((number) => ({ tenant: `tenant-${number}`, secret: secretOf() }))
    await store.transaction(async (client) => {
      for (const { tenant, secret } of tenants) await store.change(tenant, () => stateOf([secret]), client)
    })
    const byTenant = await store.readTenants(tenants.map(({ tenant }) => tenant))
    const byKid = await store.readByKid(tenants.map(({ secret }) => secret.kid))
    for (const { tenant, secret } of tenants) {
      deepEqual(byTenant.get(tenant)?.secrets, [secret])
      equal(byKid.get(secret.kid)?.tenant, tenant)
    }
  },

  async 'keeps tenants apart, with any characters in their IDs'({ store, other }) {
    const secrets = new Map(oddTenants.map((tenant) => [tenant, secretOf()]))
    for (const [tenant, secret] of secrets) await put(store, tenant, stateOf([secret]))
    const found = await other.readTenants(oddTenants)
    equal(found.size, oddTenants.length)
    for (const [tenant, secret] of secrets) {
      equal(found.get(tenant)?.tenant, tenant)
      deepEqual(found.get(tenant)?.secrets, [secret])
    }
  },
}
