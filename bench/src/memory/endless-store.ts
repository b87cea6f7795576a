import { randomBytes } from 'node:crypto'
import { Keyring, type TenantRecord, type TenantStore } from 'latchkey'
import { memoryStore } from 'latchkey/memory'

/** A store that makes up any tenant and keeps none, so that only the reader's memory grows. */
export function endlessStore(masterKeys: string): TenantStore {
  const keyring = Keyring.parse(masterKeys)
  const readTenants: TenantStore['readTenants'] = async (tenants) =>
    new Map(tenants.map((tenant) => [tenant, asFromDriver(makeTenant(keyring, tenant))]))
  return new Proxy<TenantStore>(memoryStore(), {
    get(store, name) {
      if (name === 'readTenants') return readTenants
      const member: unknown = Reflect.get(store, name)
      return typeof member === 'function' ? member.bind(store) : member
    },
  })
}

function makeTenant(keyring: Keyring, tenant: string): TenantRecord {
  const place = { kid: randomBytes(24).toString('base64url'), generation: 1, algorithm: 'HS256' } as const
  const binding = ['tenant-secret', tenant, place.kid, place.generation, place.algorithm] as const
  const sealed = keyring.seal(randomBytes(32), binding)
  const secret = { ...place, ...sealed, createdAt: Date.now(), retiresAt: null, reissueRequired: false }
  const state = { disabledAt: null, revokedAt: null, forgottenUntil: null, endedSessions: [], grants: null }
  return { tenant, version: 1, ...state, secrets: [secret] }
}

/** Copies every value, because a driver returns new strings for each row, even equal ones. */
function asFromDriver(record: TenantRecord): TenantRecord {
  return JSON.parse(JSON.stringify(record))
}
