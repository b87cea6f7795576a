import { TOKEN_TYPE } from '../claims/token-type.js'
import type { Instant } from '../clock.js'
import type { FailureCode } from '../errors.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import { encodeHeader } from '../jws/header.js'
import { HmacKey } from '../jws/hmac-key.js'
import type { SigningKey, VerifyingKey } from '../keys/key-source.js'
import type { SecretRecord, TenantRecord } from './ports.js'

/** What a cached tenant and its keys need of the process they live in. */
export interface TenantSurroundings {
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number
  /** Whether knowledge as of this instant may still be believed. */
  readonly covers: (readAt: Instant) => boolean
  /** The secret itself; `master_key_missing` or `master_key_wrong` when it cannot be decrypted. */
  readonly open: (tenant: string, record: SecretRecord) => Uint8Array
}

/**
 * One tenant in memory. Everything but the two marks is fixed: a change of the tenant replaces the whole object and ends this
 * one, so that every verdict that leans on it dies with one write (C8).
 */
export class CachedTenant {
  readonly record: TenantRecord
  /** Just before the read of this record began. */
  readAt: Instant
  readonly keys: readonly TenantKey[]
  /** False once the cache has let this object go. */
  alive = true
  /** For the cache's second chance. */
  recentlyUsed = true

  constructor(record: TenantRecord, readAt: Instant, surroundings: TenantSurroundings) {
    this.record = record
    this.readAt = readAt
    this.keys = record.secrets.map((secret) => new TenantKey(this, secret, surroundings))
  }

  /** The key that signs, if the tenant has one. */
  get signingKey(): TenantKey | undefined {
    return this.keys.find((key) => key.signs)
  }
}

/** One secret of one cached tenant: signs and verifies this tenant's tokens alone (C1). */
export class TenantKey implements SigningKey, VerifyingKey {
  readonly #secret: SecretRecord
  readonly #surroundings: TenantSurroundings
  // Opened at the first use: most retired secrets are never asked for again, and one that cannot be opened must not hide the others.
  #hmac: HmacKey | undefined
  readonly tenant: CachedTenant
  readonly headerSegment: string

  constructor(tenant: CachedTenant, secret: SecretRecord, surroundings: TenantSurroundings) {
    this.tenant = tenant
    this.#secret = secret
    this.#surroundings = surroundings
    this.headerSegment = canonicalHeader(secret.algorithm, secret.kid)
  }

  get kid(): string {
    return this.#secret.kid
  }

  get algorithm(): HmacAlgorithm {
    return this.#secret.algorithm
  }

  get owner(): string {
    return this.tenant.record.tenant
  }

  get signs(): boolean {
    return this.#secret.retiresAt === null
  }

  sign(signingInput: string): string {
    return this.#key().sign(signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#key().verify(signingInput, signature)
  }

  isCurrent(): boolean {
    this.tenant.recentlyUsed = true
    return this.tenant.alive && !this.#isRetired() && this.#surroundings.covers(this.tenant.readAt)
  }

  refusalOf(sessionId: string | undefined): FailureCode | undefined {
    const { disabledAt, endedSessions } = this.tenant.record
    if (disabledAt !== null) return 'tenant_disabled'
    if (endedSessions.some((ended) => ended.sessionId === sessionId)) return 'session_ended'
    if (this.#secret.reissueRequired || this.#isRetired()) return 'reissue_required'
    return undefined
  }

  #isRetired(): boolean {
    const { retiresAt } = this.#secret
    return retiresAt !== null && !(this.#surroundings.nowMs() < retiresAt)
  }

  #key(): HmacKey {
    this.#hmac ??= new HmacKey(this.#secret.algorithm, this.#surroundings.open(this.owner, this.#secret))
    return this.#hmac
  }
}

/** The header segment of every token that a secret signs here: a known one is looked up whole instead of being parsed. */
export function canonicalHeader(algorithm: HmacAlgorithm, kid: string): string {
  return encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid })
}
