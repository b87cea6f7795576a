import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { createLatchkey, Keyring, type Latchkey, type TenantStore, tenantSecrets } from 'latchkey'
import { memoryStore } from 'latchkey/memory'

export const issuer = 'https://auth.example.com'
export const audience = 'api'
export const tokenType = 'at+jwt'

/** A tenant's key in each form that a contender takes. */
export interface TenantSecret {
  readonly bytes: Buffer
  readonly keyObject: KeyObject
}

/** The tenants, their keys by kid, and their tokens. */
export interface Population {
  readonly latchkey: Latchkey
  /** A verifier of the same keys that has verified nothing yet. */
  readonly freshLatchkey: () => Latchkey
  readonly subjects: readonly string[]
  readonly secrets: ReadonlyMap<string, TenantSecret>
  /** One token per tenant, as the bytes that a socket would deliver. */
  readonly tokens: readonly Buffer[]
  /** Several tokens per tenant. */
  readonly newTokens: readonly Buffer[]
  /** The capacity of every contender's cache of verified tokens. */
  readonly cachedTokens: number
  readonly claims: (subject: string) => Record<string, unknown>
}

/** Capacity of a cache of verified tokens per tenant: more than the one token of each. */
const cachedTokensPerTenant = 2

/** Options of `createPopulation`. */
export interface PopulationOptions {
  /** @defaultValue 5 */
  readonly newTokensPerTenant?: number
  /** Length of a claim that makes every token longer. @defaultValue 0 */
  readonly padding?: number
}

/**
 * Creates the tenants with Latchkey and opens their secrets, so that all verify the same tokens.
 */
export async function createPopulation(
  tenants: number,
  { newTokensPerTenant = 5, padding = 0 }: PopulationOptions = {},
): Promise<Population> {
  const claims = (subject: string) =>
    padding === 0 ? claimsOf(subject) : { ...claimsOf(subject), note: noteOf(padding) }
  const cachedTokens = cachedTokensPerTenant * tenants
  const masterKeys = Keyring.generate('bench')
  const store = memoryStore()
  const keys = tenantSecrets({ store, masterKeys, maxTenants: tenants * 2 })
  const freshLatchkey = () => createLatchkey({ issuer, audience, keys, tokenCache: { maxEntries: cachedTokens } })
  const latchkey = freshLatchkey()
  const subjects = Array.from({ length: tenants }, () => `user-${randomBytes(8).toString('hex')}`)
  const tokens: Buffer[] = []
  const newTokens: Buffer[] = []
  for (const subject of subjects) {
    tokens.push(await issueBytes(latchkey, subject, claims(subject)))
    for (let count = 0; count < newTokensPerTenant; count += 1)
      newTokens.push(await issueBytes(latchkey, subject, claims(subject)))
  }
  const secrets = await openSecrets(store, Keyring.parse(masterKeys), subjects)
  return {
    latchkey,
    freshLatchkey,
    subjects,
    secrets,
    tokens,
    newTokens,
    cachedTokens,
    claims,
  }
}

function claimsOf(subject: string): Record<string, unknown> {
  return { role: subject.endsWith('0') ? 'admin' : 'editor' }
}

/** Returns text like the permissions of real tokens. */
function noteOf(length: number): string {
  return 'articles:write comments:moderate '.repeat(Math.ceil(length / 33)).slice(0, length)
}

async function issueBytes(latchkey: Latchkey, subject: string, claims: Record<string, unknown>): Promise<Buffer> {
  const { token } = await latchkey.issue({ subject, claims, expiresIn: 3600 })
  return Buffer.from(token, 'latin1')
}

async function openSecrets(
  store: TenantStore,
  keyring: Keyring,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, TenantSecret>> {
  const secrets = new Map<string, TenantSecret>()
  for (const [tenant, record] of await store.readTenants(subjects)) {
    for (const secret of record.secrets) {
      const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
      const bytes = keyring.open(secret, binding)
      secrets.set(secret.kid, { bytes, keyObject: createSecretKey(bytes) })
    }
  }
  return secrets
}
