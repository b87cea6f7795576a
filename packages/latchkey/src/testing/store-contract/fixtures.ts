import { randomBytes } from 'node:crypto'
import type { KeyPairRecord } from '../../keys/key-pair-store.js'
import type { EndedSession, SealedSetting, SecretRecord, TenantRecord, TenantState } from '../../secrets/ports.js'
import type { ContractStore } from './contract.js'

/** An arbitrary moment: 2026-01-01 in milliseconds since 1970. */
export const someTime = 1_767_225_600_000

/** Returns a secret with a random kid. */
export function secretOf(fields: Partial<SecretRecord> = {}): SecretRecord {
  return {
    kid: randomText(),
    generation: 1,
    algorithm: 'HS256',
    masterKeyId: 'key-1',
    sealed: randomText(),
    createdAt: someTime,
    retiresAt: null,
    reissueRequired: false,
    ...fields,
  }
}

/** Returns the state of an enabled tenant with these secrets. */
export function stateOf(
  secrets: readonly SecretRecord[],
  endedSessions: readonly EndedSession[] = [],
): Omit<TenantRecord, 'tenant' | 'version'> {
  return { disabledAt: null, revokedAt: null, forgottenUntil: null, secrets, endedSessions, grants: null }
}

export function settingOf(name: string): SealedSetting {
  return { name, masterKeyId: 'key-1', sealed: randomText() }
}

export function keyPairOf(fields: Partial<KeyPairRecord> = {}): KeyPairRecord {
  return {
    kid: randomText(),
    algorithm: 'EdDSA',
    stage: 'current',
    publicJwk: '{"kty":"OKP"}',
    masterKeyId: 'key-1',
    sealed: randomText(),
    createdAt: someTime,
    retiresAt: null,
    ...fields,
  }
}

/** Sets the state of the tenant, whatever its state was. */
export async function put(store: ContractStore, tenant: string, state: TenantState): Promise<TenantRecord> {
  const record = await store.change(tenant, () => state)
  if (record === undefined) throw new Error('change() returned no record for a tenant that exists.')
  return sorted(record)
}

/** Returns the tenant as the store reads it. */
export async function read(store: ContractStore, tenant: string): Promise<TenantRecord | undefined> {
  const record = (await store.readTenants([tenant])).get(tenant)
  return record === undefined ? undefined : sorted(record)
}

/** A `decide` that adds a secret of the next generation. */
export function addSecret(current: TenantState | undefined): TenantState {
  const secrets = current?.secrets ?? []
  const retired = secrets.map((secret) => ({ ...secret, retiresAt: someTime }))
  const added = secretOf({ generation: secrets.length + 1 })
  return { ...stateOf([...retired, added], current?.endedSessions), grants: current?.grants ?? null }
}

/** Returns the same record with its lists sorted: a store may return them in any order. */
export function sorted(record: TenantRecord): TenantRecord {
  const secrets = [...record.secrets].sort((a, b) => a.generation - b.generation)
  const endedSessions = [...record.endedSessions].sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
  return { ...record, secrets, endedSessions }
}

export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function randomText(): string {
  return randomBytes(24).toString('base64url')
}
