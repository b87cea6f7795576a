import { BoundedMap, type Evictable } from '../bounded-map.js'
import { decodeGrants, type Grants, noGrants } from '../claims/grants.js'
import type { Instant } from '../clock.js'
import { type FailureCode, isLatchkeyError, refusal } from '../errors.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import { type HmacSecret, hmacSecretOf, signHmac, verifyHmac } from '../jws/hmac-key.js'
import type { SigningKey, VerifyingKey } from '../keys/key-source.js'
import { canonicalHeader, isCanonicalHeader } from '../secrets/canonical-header.js'
import type { GrantsPlace } from '../secrets/grants-sealer.js'
import type { EndedSession, SealedGrants, SecretRecord, TenantRecord } from '../secrets/ports.js'

/** What cached tenants need of the process they live in. */
export interface TenantSurroundings {
  /** Whether knowledge as of this instant may still be believed now, which is `nowMs` (milliseconds since 1970). */
  readonly covers: (readAt: Instant, nowMs: number) => boolean
  /** The secret itself; `master_key_missing` or `master_key_wrong` when it cannot be decrypted. */
  readonly open: (tenant: string, record: SecretRecord) => Uint8Array
  /** The JSON text of the grants. Throws `master_key_missing` or `master_key_wrong`. */
  readonly openGrants: (place: GrantsPlace, sealed: SealedGrants) => string
}

/** A secret that was read together with its tenant from under one seal, and so is open already. */
export interface OpenSecret extends Omit<SecretRecord, 'masterKeyId' | 'sealed'> {
  readonly secret: HmacSecret
}

/** A tenant as it was read, its secrets and its grants sealed or open. */
export interface ReadTenant extends Omit<TenantRecord, 'secrets' | 'grants'> {
  readonly secrets: readonly (SecretRecord | OpenSecret)[]
  /** Sealed, or the JSON text itself. */
  readonly grants: SealedGrants | string | null
}

/** One tenant in memory, as it was read. A change of the tenant replaces it. */
export interface CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly isDisabled: boolean
  /** Just before the read began. */
  readonly readAt: Instant
  /** The key that signs, if the tenant has one. */
  readonly signingKey: TenantKey | undefined
  readonly keys: readonly TenantKey[]
  /** For the cache's second chance. */
  recentlyUsed: boolean
  /** The same was read again. */
  renew(readAt: Instant): void
  /** The cache has let it go: with this one write to each key every verdict that leans on it dies (C8). */
  end(): void
}

/**
 * Gives tenants as they are kept in memory. With a million of them every word counts, and with many in turn every place in memory that must be fetched: so
 * a tenant that has one secret is one object, its key is that object, and what nearly all have in common is kept once.
 */
export function tenantMaker(surroundings: TenantSurroundings): (record: ReadTenant, readAt: Instant) => CachedTenant {
  const ordinary = new OrdinaryCircumstances(surroundings)
  return (record, readAt) => {
    const secrets = record.disabledAt === null ? record.secrets.toSorted(signingFirst) : []
    if (secrets.length === 0) return new KeylessTenant(record, readAt)
    const byAlgorithm = ordinary.of(record)
    const keys = secrets.map((secret) => {
      const circumstances = circumstancesOf(record, secret, byAlgorithm[secret.algorithm])
      return new TenantKey(record, secret, readAt, circumstances)
    })
    const [first] = keys
    if (first === undefined) return new KeylessTenant(record, readAt)
    for (const key of keys) key.meet(keys)
    return first
  }
}

/** What a key has in common with others, nearly all of which share one object of it. */
interface Circumstances {
  readonly algorithm: HmacAlgorithm
  readonly surroundings: TenantSurroundings
  /** Milliseconds since 1970. */
  readonly retiresAt: number
  readonly endedSessions: readonly EndedSession[]
  /** The tenant's other keys. */
  readonly others: readonly TenantKey[]
  /** What the tenant may do, or why that could not be decrypted. */
  readonly grants: Grants | FailureCode
}

/** Those of the only secret of a tenant that has ended no session, by the algorithm of the secret. */
type ByAlgorithm = Readonly<Record<HmacAlgorithm, Circumstances>>

/** Different grants that are kept once for all tenants that have them. Tenants with others have a copy of their own. */
const maxSharedGrants = 10_000

/** Makes the circumstances of ordinary keys, the same object for all tenants with equal grants. */
class OrdinaryCircumstances {
  readonly #surroundings: TenantSurroundings
  readonly #withoutGrants: ByAlgorithm
  readonly #byGrants = new BoundedMap<string, Evictable & { readonly byAlgorithm: ByAlgorithm }>(maxSharedGrants)

  constructor(surroundings: TenantSurroundings) {
    this.#surroundings = surroundings
    this.#withoutGrants = this.#make(noGrants)
  }

  of(record: ReadTenant): ByAlgorithm {
    const { grants } = record
    if (grants === null) return this.#withoutGrants
    try {
      return this.#shared(typeof grants === 'string' ? grants : this.#surroundings.openGrants(record, grants))
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
    const surroundings = this.#surroundings
    const common = { surroundings, retiresAt: Number.POSITIVE_INFINITY, endedSessions: [], others: [], grants }
    return {
      HS256: { algorithm: 'HS256', ...common },
      HS384: { algorithm: 'HS384', ...common },
      HS512: { algorithm: 'HS512', ...common },
    }
  }
}

function circumstancesOf(
  { endedSessions }: ReadTenant,
  secret: SecretRecord | OpenSecret,
  ordinary: Circumstances,
): Circumstances {
  if (secret.retiresAt === null && !secret.reissueRequired && endedSessions.length === 0) return ordinary
  return { ...ordinary, retiresAt: retirementOf(secret), endedSessions }
}

function isRetired({ retiresAt }: Circumstances, nowMs: number): boolean {
  return !(nowMs < retiresAt)
}

/** Stands for the time of the read once the cache has let the tenant go. */
const ended: Instant = { wallMs: Number.NEGATIVE_INFINITY, monotonicMs: Number.NEGATIVE_INFINITY }

/** One secret of one cached tenant: signs and verifies this tenant's tokens alone (C1). Seven words: each one more is eight megabytes of a million. */
export class TenantKey implements SigningKey, VerifyingKey, CachedTenant {
  readonly tenant: string
  readonly version: number
  readonly kid: string
  recentlyUsed = true
  // Unless it came open, it is opened at the first use: most retired secrets are never asked for again, and one that cannot be opened must not hide the others.
  #secret: HmacSecret | SecretRecord
  #readAt: Instant
  #circumstances: Circumstances

  constructor(record: ReadTenant, secret: SecretRecord | OpenSecret, readAt: Instant, circumstances: Circumstances) {
    this.tenant = record.tenant
    this.version = record.version
    this.kid = secret.kid
    this.#secret = 'secret' in secret ? secret.secret : secret
    this.#readAt = readAt
    this.#circumstances = circumstances
  }

  get algorithm(): HmacAlgorithm {
    return this.#circumstances.algorithm
  }

  get owner(): string {
    return this.tenant
  }

  get grants(): Grants {
    const { grants } = this.#circumstances
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
    return this.#circumstances.retiresAt === Number.POSITIVE_INFINITY ? this : undefined
  }

  get keys(): readonly TenantKey[] {
    return [this, ...this.#circumstances.others]
  }

  /** Made from the kid each time: kept, it would take more memory than the rest. */
  get headerSegment(): string {
    return canonicalHeader(this.algorithm, this.kid)
  }

  /** Whether this is the header segment of this key's tokens. */
  hasHeader(headerSegment: string): boolean {
    const secret = this.#secret
    // All texts that the decision will need are asked for at once: they are then fetched from memory side by side, and not waited for one after the other. None is empty.
    const fetched =
      this.kid.charCodeAt(0) | this.tenant.charCodeAt(0) | (typeof secret === 'string' ? secret.charCodeAt(0) : 0)
    return isCanonicalHeader(headerSegment, this.algorithm, this.kid) && fetched !== 0
  }

  /** Tells the key of the tenant's others. */
  meet(keys: readonly TenantKey[]): void {
    if (keys.length > 1) this.#circumstances = { ...this.#circumstances, others: keys.filter((key) => key !== this) }
  }

  sign(signingInput: string): string {
    return signHmac(this.algorithm, TenantKey.#secretOf(this), signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return verifyHmac(this.algorithm, TenantKey.#secretOf(this), signingInput, signature)
  }

  isCurrent(nowMs: number): boolean {
    const circumstances = this.#circumstances
    if (this.#readAt === ended || isRetired(circumstances, nowMs)) return false
    return circumstances.surroundings.covers(this.#readAt, nowMs)
  }

  refusalOf(sessionId: string | undefined, nowMs: number): FailureCode | undefined {
    const { endedSessions } = this.#circumstances
    if (endedSessions.some((session) => session.sessionId === sessionId)) return 'session_ended'
    return isRetired(this.#circumstances, nowMs) ? 'reissue_required' : undefined
  }

  /** Marks the tenant as used. */
  use(): void {
    // A write to memory that need not be written costs as much as the fetch.
    if (this.recentlyUsed) return
    for (const key of this.keys) key.recentlyUsed = true
  }

  renew(readAt: Instant): void {
    for (const key of this.keys) if (key.#readAt !== ended) key.#readAt = readAt
  }

  end(): void {
    for (const key of this.keys) key.#readAt = ended
  }

  // Static, because private methods of its own cost every object a word.
  static #secretOf(key: TenantKey): HmacSecret {
    if (typeof key.#secret !== 'string') {
      const { algorithm, surroundings } = key.#circumstances
      key.#secret = hmacSecretOf(algorithm, surroundings.open(key.tenant, key.#secret))
    }
    return key.#secret
  }
}

/** A tenant of whom no token can be. */
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

/** Tokens of a secret that wants them issued anew are answered as those of one that has retired. */
function retirementOf({ retiresAt, reissueRequired }: Pick<SecretRecord, 'retiresAt' | 'reissueRequired'>): number {
  return reissueRequired ? Number.NEGATIVE_INFINITY : (retiresAt ?? Number.POSITIVE_INFINITY)
}
