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
  /** Whether legacy tokens are accepted. Without them the time of a revocation is not needed. */
  readonly acceptsLegacy: boolean
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
  /** See `VerifyingKey.grants`. */
  readonly grants: Grants
  /** Whether it was used since the cache last looked for one to evict. */
  recentlyUsed: boolean
  /** Returns whether it has not ended, and is fresh enough to use at `nowMs` (C4). */
  isFresh(nowMs: number): boolean
  /**
   * Returns the code with which a legacy token of this session is refused, or `undefined`.
   *
   * @param issuedAtMs Milliseconds since 1970: the earliest time at which it can have been signed.
   */
  legacyRefusal(sessionId: string | undefined, issuedAtMs: number): FailureCode | undefined
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
  const keyless = (record: ReadTenant, readAt: Instant) =>
    new KeylessTenant(record, readAt, services, record.disabledAt === null ? 'token_revoked' : 'tenant_disabled')
  return (record, readAt) => {
    const secrets = record.disabledAt === null ? record.secrets.toSorted(signingFirst) : []
    if (secrets.length === 0) return keyless(record, readAt)
    const byAlgorithm = common.of(record)
    const keys = secrets.map((secret) => {
      const traits = traitsOf(record, secret, byAlgorithm[secret.algorithm])
      return new TenantKey(record, secret, readAt, traits)
    })
    const [first] = keys
    if (first === undefined) return keyless(record, readAt)
    for (const key of keys) key.setSiblings(keys)
    return first
  }
}

/**
 * Returns a tenant that does not exist, for legacy tokens, which need none. Its version is older
 * than every other, so that the first change replaces it.
 */
export function absentTenant(tenant: string, readAt: Instant, services: Pick<TenantServices, 'covers'>): CachedTenant {
  return new KeylessTenant({ tenant, version: 0, disabledAt: null }, readAt, services, undefined)
}

/** The traits that a key shares with others. Most keys have the same object. */
interface KeyTraits {
  readonly algorithm: HmacAlgorithm
  readonly services: TenantServices
  /** Milliseconds since 1970. */
  readonly retiresAt: number
  /** Milliseconds since 1970 of the newest end of legacy tokens; `-Infinity` for none. */
  readonly revokedAt: number
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
    const common = {
      services,
      retiresAt: Number.POSITIVE_INFINITY,
      revokedAt: Number.NEGATIVE_INFINITY,
      endedSessions: [],
      others: [],
      grants,
    }
    return {
      HS256: { algorithm: 'HS256', ...common },
      HS384: { algorithm: 'HS384', ...common },
      HS512: { algorithm: 'HS512', ...common },
    }
  }
}

function traitsOf(record: ReadTenant, secret: SecretRecord | OpenSecret, common: KeyTraits): KeyTraits {
  const { endedSessions } = record
  const revokedAt = (common.services.acceptsLegacy ? record.revokedAt : null) ?? common.revokedAt
  const isPlain = secret.retiresAt === null && !secret.reissueRequired && endedSessions.length === 0
  if (isPlain && revokedAt === common.revokedAt) return common
  return { ...common, retiresAt: retirementOf(secret), revokedAt, endedSessions }
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

  isFresh(nowMs: number): boolean {
    return this.#readAt !== ended && this.#traits.services.covers(this.#readAt, nowMs)
  }

  refusalOf(sessionId: string | undefined, nowMs: number): FailureCode | undefined {
    const { endedSessions } = this.#traits
    if (endedSessions.some((session) => session.sessionId === sessionId)) return 'session_ended'
    return isRetired(this.#traits, nowMs) ? 'reissue_required' : undefined
  }

  legacyRefusal(sessionId: string | undefined, issuedAtMs: number): FailureCode | undefined {
    const { revokedAt, endedSessions } = this.#traits
    if (!(issuedAtMs > revokedAt)) return 'token_revoked'
    return endedSessions.some((session) => session.sessionId === sessionId) ? 'session_ended' : undefined
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

/** A tenant without a secret: a disabled or deleted one, or one that does not exist. */
class KeylessTenant implements CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly isDisabled: boolean
  readonly signingKey = undefined
  readonly keys = []
  readonly grants = noGrants
  recentlyUsed = false
  #readAt: Instant
  readonly #services: Pick<TenantServices, 'covers'>
  readonly #legacyRefusal: FailureCode | undefined

  constructor(
    { tenant, version, disabledAt }: Pick<ReadTenant, 'tenant' | 'version' | 'disabledAt'>,
    readAt: Instant,
    services: Pick<TenantServices, 'covers'>,
    legacyRefusal: FailureCode | undefined,
  ) {
    this.tenant = tenant
    this.version = version
    this.isDisabled = disabledAt !== null
    this.#readAt = readAt
    this.#services = services
    this.#legacyRefusal = legacyRefusal
  }

  get readAt(): Instant {
    return this.#readAt
  }

  isFresh(nowMs: number): boolean {
    return this.#readAt !== ended && this.#services.covers(this.#readAt, nowMs)
  }

  legacyRefusal(): FailureCode | undefined {
    return this.#legacyRefusal
  }

  renew(readAt: Instant): void {
    if (this.#readAt !== ended) this.#readAt = readAt
  }

  end(): void {
    this.#readAt = ended
  }
}

function signingFirst(a: Pick<SecretRecord, 'retiresAt'>, b: Pick<SecretRecord, 'retiresAt'>): number {
  return Number(a.retiresAt !== null) - Number(b.retiresAt !== null)
}

/** A secret whose tokens must be reissued counts as retired. */
function retirementOf({ retiresAt, reissueRequired }: Pick<SecretRecord, 'retiresAt' | 'reissueRequired'>): number {
  return reissueRequired ? Number.NEGATIVE_INFINITY : (retiresAt ?? Number.POSITIVE_INFINITY)
}
