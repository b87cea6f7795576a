import type { KeyObject } from 'node:crypto'
import { BoundedMap, type Evictable } from '../bounded-map.js'
import { decodeGrants, type Grants, noGrants } from '../claims/grants.js'
import type { Instant } from '../clock.js'
import { type FailureCode, isLatchkeyError, refusal } from '../errors.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import { type HmacSecret, hmacKeyObject, hmacSecretOf, signHmac, verifyHmac } from '../jws/hmac-key.js'
import { exportSecret, type SecretKey } from '../keys/export-secret.js'
import type { SigningKey, VerifyingKey } from '../keys/key-source.js'
import { canonicalHeader, isCanonicalHeader } from '../secrets/canonical-header.js'
import type { GrantsPlace } from '../secrets/grants-sealer.js'
import type { EndedSession, SealedGrants, SecretRecord, TenantRecord } from '../secrets/ports.js'

/** The services of the process that cached tenants use. */
export interface TenantServices {
  /** Returns whether data read at this instant is still fresh enough to use at `nowMs`. */
  readonly covers: (readAt: Instant, nowMs: number) => boolean
  /** Returns the decrypted secret. Throws `master_key_missing`, `master_key_wrong`. */
  readonly open: (tenant: string, record: SecretRecord) => Uint8Array
  /** Returns the JSON of the grants. Throws `master_key_missing`, `master_key_wrong`. */
  readonly openGrants: (place: GrantsPlace, sealed: SealedGrants) => string
}

/** A secret that was decrypted together with its tenant, as an entry of the shared cache is. */
export interface OpenSecret extends Omit<SecretRecord, 'masterKeyId' | 'sealed'> {
  readonly secret: HmacSecret
}

/** A tenant that was read, with its secrets and grants sealed or open. */
export interface ReadTenant extends Omit<TenantRecord, 'secrets' | 'grants'> {
  readonly secrets: readonly (SecretRecord | OpenSecret)[]
  /** Sealed, or the JSON itself. */
  readonly grants: SealedGrants | string | null
}

/** A tenant in memory. A change of the tenant replaces it. */
export interface CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly isDisabled: boolean
  /** The instant before the read began. */
  readonly readAt: Instant
  /** The key that signs, if the tenant has one. */
  readonly signingKey: TenantKey | undefined
  readonly keys: readonly TenantKey[]
  /** Whether it was used since the cache last looked for one to evict. */
  recentlyUsed: boolean
  /** Records that the same version was read again. */
  renew(readAt: Instant): void
  /** Ends it: one write to each key ends every verdict that depends on it (C8). */
  end(): void
}

/**
 * Returns a function that creates cached tenants from tenants that were read.
 *
 * A million of them must be small, and a verification must touch few places in memory. A tenant
 * with one secret is therefore one object, which is its key as well, and traits that most tenants
 * share are stored once.
 */
export function tenantMaker(services: TenantServices): (record: ReadTenant, readAt: Instant) => CachedTenant {
  const common = new CommonTraits(services)
  return (record, readAt) => {
    const secrets = record.disabledAt === null ? record.secrets.toSorted(signingFirst) : []
    if (secrets.length === 0) return new KeylessTenant(record, readAt)
    const byAlgorithm = common.of(record)
    const keys = secrets.map((secret) => {
      const traits = traitsOf(record, secret, byAlgorithm[secret.algorithm])
      return new TenantKey(record, secret, readAt, traits)
    })
    const [first] = keys
    if (first === undefined) return new KeylessTenant(record, readAt)
    for (const key of keys) key.setSiblings(keys)
    return first
  }
}

/** The traits that a key shares with others. Most keys have the same object. */
interface KeyTraits {
  readonly algorithm: HmacAlgorithm
  readonly services: TenantServices
  /** Milliseconds since 1970. */
  readonly retiresAt: number
  readonly endedSessions: readonly EndedSession[]
  /** The tenant's other keys. */
  readonly others: readonly TenantKey[]
  /** The grants of the tenant, or the code of the failure to decrypt them. */
  readonly grants: Grants | FailureCode
}

/** The traits of the only secret of a tenant without ended sessions, by algorithm. */
type ByAlgorithm = Readonly<Record<HmacAlgorithm, KeyTraits>>

/** Different grants that tenants share. Tenants with others have a copy of their own. */
const maxSharedGrants = 10_000

/** Makes the traits of most keys: the same object for all tenants with equal grants. */
class CommonTraits {
  readonly #services: TenantServices
  readonly #withoutGrants: ByAlgorithm
  readonly #byGrants = new BoundedMap<string, Evictable & { readonly byAlgorithm: ByAlgorithm }>(maxSharedGrants)

  constructor(services: TenantServices) {
    this.#services = services
    this.#withoutGrants = this.#make(noGrants)
  }

  of(record: ReadTenant): ByAlgorithm {
    const { grants } = record
    if (grants === null) return this.#withoutGrants
    try {
      return this.#shared(typeof grants === 'string' ? grants : this.#services.openGrants(record, grants))
    } catch (error) {
      if (isLatchkeyError(error)) return this.#make(error.code)
      throw error
    }
  }

  #shared(text: string): ByAlgorithm {
    const known = this.#byGrants.get(text)
    if (known !== undefined) {
      known.recentlyUsed = true
      return known.byAlgorithm
    }
    const byAlgorithm = this.#make(decodeGrants(text))
    this.#byGrants.set(text, { byAlgorithm, recentlyUsed: false })
    return byAlgorithm
  }

  #make(grants: Grants | FailureCode): ByAlgorithm {
    const services = this.#services
    const common = { services, retiresAt: Number.POSITIVE_INFINITY, endedSessions: [], others: [], grants }
    return {
      HS256: { algorithm: 'HS256', ...common },
      HS384: { algorithm: 'HS384', ...common },
      HS512: { algorithm: 'HS512', ...common },
    }
  }
}

function traitsOf({ endedSessions }: ReadTenant, secret: SecretRecord | OpenSecret, common: KeyTraits): KeyTraits {
  if (secret.retiresAt === null && !secret.reissueRequired && endedSessions.length === 0) return common
  return { ...common, retiresAt: retirementOf(secret), endedSessions }
}

function isRetired({ retiresAt }: KeyTraits, nowMs: number): boolean {
  return !(nowMs < retiresAt)
}

/** The time of the read of a tenant that has ended. */
const ended: Instant = { wallMs: Number.NEGATIVE_INFINITY, monotonicMs: Number.NEGATIVE_INFINITY }

/**
 * One secret of one cached tenant: signs and verifies the tokens of this tenant alone (C1). It has
 * seven fields: each one more takes eight megabytes for a million tenants.
 */
export class TenantKey implements SigningKey, VerifyingKey, SecretKey, CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly kid: string
  recentlyUsed = true
  // Decrypted at the first use: most retired secrets are never used again, and one that cannot be
  // decrypted must not hide the others.
  #secret: HmacSecret | SecretRecord
  #readAt: Instant
  #traits: KeyTraits

  constructor(record: ReadTenant, secret: SecretRecord | OpenSecret, readAt: Instant, traits: KeyTraits) {
    this.tenant = record.tenant
    this.version = record.version
    this.kid = secret.kid
    this.#secret = 'secret' in secret ? secret.secret : secret
    this.#readAt = readAt
    this.#traits = traits
  }

  get algorithm(): HmacAlgorithm {
    return this.#traits.algorithm
  }

  get owner(): string {
    return this.tenant
  }

  get grants(): Grants {
    const { grants } = this.#traits
    if (typeof grants === 'string') throw refusal(grants)
    return grants
  }

  get isDisabled(): boolean {
    return false
  }

  get readAt(): Instant {
    return this.#readAt
  }

  get signingKey(): TenantKey | undefined {
    return this.#traits.retiresAt === Number.POSITIVE_INFINITY ? this : undefined
  }

  get keys(): readonly TenantKey[] {
    return [this, ...this.#traits.others]
  }

  /** Made from the key ID each time: stored, it would take more memory than the rest. */
  get headerSegment(): string {
    return canonicalHeader(this.algorithm, this.kid)
  }

  /** Returns whether this is the header segment of this key's tokens. */
  hasHeader(headerSegment: string): boolean {
    const secret = this.#secret
    // Touches all strings that the decision needs, so that the processor fetches them at once
    // instead of one after the other. None is empty.
    const fetched =
      this.kid.charCodeAt(0) | this.tenant.charCodeAt(0) | (typeof secret === 'string' ? secret.charCodeAt(0) : 0)
    return isCanonicalHeader(headerSegment, this.algorithm, this.kid) && fetched !== 0
  }

  /** Sets the keys of the same tenant. */
  setSiblings(keys: readonly TenantKey[]): void {
    if (keys.length > 1) this.#traits = { ...this.#traits, others: keys.filter((key) => key !== this) }
  }

  sign(signingInput: string): string {
    return signHmac(this.algorithm, TenantKey.#secretOf(this), signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return verifyHmac(this.algorithm, TenantKey.#secretOf(this), signingInput, signature)
  }

  isCurrent(nowMs: number): boolean {
    const traits = this.#traits
    if (this.#readAt === ended || isRetired(traits, nowMs)) return false
    return traits.services.covers(this.#readAt, nowMs)
  }

  refusalOf(sessionId: string | undefined, nowMs: number): FailureCode | undefined {
    const { endedSessions } = this.#traits
    if (endedSessions.some((session) => session.sessionId === sessionId)) return 'session_ended'
    return isRetired(this.#traits, nowMs) ? 'reissue_required' : undefined
  }

  /** Marks the tenant as used. */
  use(): void {
    // An unnecessary write costs as much as the read.
    if (this.recentlyUsed) return
    for (const key of this.keys) key.recentlyUsed = true
  }

  renew(readAt: Instant): void {
    for (const key of this.keys) if (key.#readAt !== ended) key.#readAt = readAt
  }

  end(): void {
    for (const key of this.keys) key.#readAt = ended
  }

  [exportSecret](): KeyObject {
    return hmacKeyObject(TenantKey.#secretOf(this))
  }

  // Static, because private methods cost every object a field.
  static #secretOf(key: TenantKey): HmacSecret {
    if (typeof key.#secret !== 'string') {
      const { algorithm, services } = key.#traits
      key.#secret = hmacSecretOf(algorithm, services.open(key.tenant, key.#secret))
    }
    return key.#secret
  }
}

/** A tenant without a secret, such as a disabled one. */
class KeylessTenant implements CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly isDisabled: boolean
  readonly signingKey = undefined
  readonly keys = []
  recentlyUsed = false
  #readAt: Instant

  constructor(record: ReadTenant, readAt: Instant) {
    this.tenant = record.tenant
    this.version = record.version
    this.isDisabled = record.disabledAt !== null
    this.#readAt = readAt
  }

  get readAt(): Instant {
    return this.#readAt
  }

  renew(readAt: Instant): void {
    this.#readAt = readAt
  }

  end(): void {}
}

function signingFirst(a: Pick<SecretRecord, 'retiresAt'>, b: Pick<SecretRecord, 'retiresAt'>): number {
  return Number(a.retiresAt !== null) - Number(b.retiresAt !== null)
}

/** A secret whose tokens must be reissued counts as retired. */
function retirementOf({ retiresAt, reissueRequired }: Pick<SecretRecord, 'retiresAt' | 'reissueRequired'>): number {
  return reissueRequired ? Number.NEGATIVE_INFINITY : (retiresAt ?? Number.POSITIVE_INFINITY)
}
