import { createHmac } from 'node:crypto'
import { systemClock } from '../../../src/clock.js'
import type { HmacAlgorithm } from '../../../src/jws/algorithms.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { Keyring } from '../../../src/sealing/keyring.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import type { TenantSecrets } from '../../../src/tenant-secrets/tenant-secrets-api.js'
import { masterKeys, setUp } from '../../support/setup.js'
import { type SteeredStore, steer } from '../../support/steered-store.js'

type Members = Readonly<Record<string, unknown>>

/** Two processes of an application with the clock of the machine, which the libraries read. */
export interface World {
  /** The process whose requests a library guards. */
  readonly latchkey: Latchkey
  readonly keys: TenantSecrets
  /** Another process over the same store. */
  readonly other: { readonly latchkey: Latchkey; readonly keys: TenantSecrets }
  /** Returns a valid token, of a session of its own unless the session is named. */
  issue(subject: string, sessionId?: string, claims?: Members): Promise<string>
  /**
   * Returns this token with other members, signed with the tenant's own secret, which has leaked.
   */
  forge(token: string, changes: { readonly header?: Members; readonly claims?: Members }): Promise<string>
  close(): Promise<void>
}

export function createWorld(algorithm: HmacAlgorithm = 'HS256'): World {
  const store = memoryStore()
  const settings = { store, clock: systemClock, keys: { maxTokenTtl: 3600, algorithm } }
  const { latchkey, keys } = setUp(settings)
  const other = setUp(settings)
  return {
    latchkey,
    keys,
    other,
    issue: async (subject, sessionId, claims) => {
      const session = sessionId === undefined ? {} : { sessionId }
      return (await latchkey.issue({ subject, claims: claims ?? {}, ...session })).token
    },
    forge: async (token, changes) => {
      const [header, claims] = [0, 1].map((part) => decode(token, part))
      const secret = await steal(store, String(claims?.sub), String(header?.kid))
      const made = { ...header, ...changes.header }
      return sign(made, { ...claims, ...changes.claims }, secret, String(made.alg))
    },
    close: async () => {
      await latchkey.close()
      await other.latchkey.close()
    },
  }
}

/** A process whose database the test makes unavailable, and another one that issues tokens. */
export function createSteeredWorld(): {
  readonly latchkey: Latchkey
  readonly keys: TenantSecrets
  readonly steered: SteeredStore
  readonly issuer: Latchkey
} {
  const store = memoryStore()
  const steered = steer(store)
  const { latchkey: issuer } = setUp({ store, clock: systemClock })
  return { ...setUp({ store: steered.store, clock: systemClock }), steered, issuer }
}

/**
 * Returns a key source that calls `found` whenever it has found a key, before it returns the key.
 */
export function afterLookUp(keys: KeySource, found: () => Promise<void>): Pick<KeySource, 'verifyingKey'> {
  return {
    verifyingKey: async (headerSegment) => {
      const key = await keys.verifyingKey(headerSegment)
      await found()
      return key
    },
  }
}

/** Signs with HMAC, or with an empty signature for another algorithm. */
export function sign(header: object, claims: object, secret: Uint8Array, algorithm: string): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  if (!algorithm.startsWith('HS')) return `${input}.`
  const hash = `sha${algorithm.slice(2)}`
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

export function decode(token: string, part: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(token.split('.')[part]), 'base64url').toString())
}

/** Returns the bytes of a secret, which an attacker with the store and the master key has. */
async function steal(store: ReturnType<typeof memoryStore>, tenant: string, kid: string): Promise<Buffer> {
  const secret = (await store.readTenants([tenant])).get(tenant)?.secrets.find((one) => one.kid === kid)
  if (secret === undefined) throw new Error('The tenant has no such secret to steal.')
  const binding = ['tenant-secret', tenant, secret.kid, secret.generation, secret.algorithm] as const
  return Keyring.parse(masterKeys).open(secret, binding)
}
