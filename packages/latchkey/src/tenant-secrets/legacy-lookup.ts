import { checkTimes } from '../claims/check-claims.js'
import { type FailureCode, refusal } from '../errors.js'
import { parseHeader } from '../jws/header.js'
import type {
  KeySource,
  LegacySource,
  LegacyTenant,
  LegacyToken,
  LegacyVerifier,
  VerifyingKey,
} from '../keys/key-source.js'
import type { LegacyTokens } from '../legacy/legacy-tokens.js'
import type { MaybePromise } from '../maybe-promise.js'
import { KID_LENGTH } from '../secrets/kid-issuer.js'
import { isTenantId } from '../secrets/tenant-id.js'
import type { CachedTenant } from '../tenants/tenant-key.js'
import type { KeyLookup } from './key-lookup.js'
import type { StoreSession } from './store-session.js'

/** Options of `LegacyLookup`. */
export interface LegacyLookupOptions {
  readonly tokens: LegacyTokens
  readonly session: StoreSession
  readonly lookup: Pick<KeyLookup, 'ensureKeys' | 'hasIssued'>
  /** Finds the keys of tenants. */
  readonly keys: Pick<KeySource, 'verifyingKey'>
}

/**
 * Verifies legacy tokens, and holds their tenants to the same freshness as those of other tokens
 * (C4).
 */
export class LegacyLookup implements LegacySource {
  readonly #tokens: LegacyTokens
  readonly #session: StoreSession
  readonly #lookup: LegacyLookupOptions['lookup']
  readonly #keys: LegacyLookupOptions['keys']

  /** Throws a TypeError for tokens that `legacyTokens` has not created. */
  constructor({ tokens, session, lookup, keys }: LegacyLookupOptions) {
    if (typeof tokens.read !== 'function') throw new TypeError('legacy must be the result of legacyTokens({ … }).')
    this.#tokens = tokens
    this.#session = session
    this.#lookup = lookup
    this.#keys = keys
  }

  ownKey(headerSegment: string): MaybePromise<VerifyingKey | undefined> {
    const { storedKeys, resolver } = this.#session
    const cached = storedKeys.isStale ? undefined : resolver.findByHeader(headerSegment)
    if (cached !== undefined) return cached
    const { kid } = parseHeader(headerSegment)
    if (kid?.length !== KID_LENGTH) return undefined
    const find = () => (this.#lookup.hasIssued(kid) ? this.#keys.verifyingKey(headerSegment) : undefined)
    const pending = this.#lookup.ensureKeys()
    return pending === undefined ? find() : pending.then(find)
  }

  open(token: string, verifier: LegacyVerifier): MaybePromise<LegacyToken> {
    const { storedKeys, resolver, clock } = this.#session
    const claims = this.#tokens.read(token, verifier)
    const { sub } = claims
    if (!isTenantId(sub)) throw refusal('claim_invalid', { detail: 'sub' })
    const { toleranceSec } = verifier
    // Before the tenant is read, so that an old token costs no read.
    checkTimes(claims, { nowSec: clock.now() / 1000, toleranceSec })
    const revocationSec = Math.max(this.#tokens.clockToleranceSec, toleranceSec)
    const conditions: Conditions = {
      untilMs: this.#tokens.untilMs,
      sessionId: claims.sid,
      issuedAtMs: (claims.iat - revocationSec) * 1000,
    }
    const opened = (tenant: CachedTenant): LegacyToken => ({ claims, tenant: new TenantOfToken(tenant, conditions) })
    const known = storedKeys.isStale ? undefined : resolver.find(sub)
    return known === undefined ? this.#readTenant(sub).then(opened) : opened(known)
  }

  async #readTenant(tenant: string): Promise<CachedTenant> {
    const pending = this.#lookup.ensureKeys()
    if (pending !== undefined) await pending
    return this.#session.resolver.read(tenant)
  }
}

/** The conditions of one token. */
interface Conditions {
  readonly untilMs: number
  readonly sessionId: string | undefined
  /** Milliseconds since 1970: the earliest time at which it can have been signed. */
  readonly issuedAtMs: number
}

class TenantOfToken implements LegacyTenant {
  readonly #tenant: CachedTenant
  readonly #conditions: Conditions

  constructor(tenant: CachedTenant, conditions: Conditions) {
    this.#tenant = tenant
    this.#conditions = conditions
  }

  get grants() {
    return this.#tenant.grants
  }

  isCurrent(nowMs: number): boolean {
    return nowMs < this.#conditions.untilMs && this.#tenant.isFresh(nowMs)
  }

  use(): void {
    // An unnecessary write costs as much as the read.
    if (!this.#tenant.recentlyUsed) this.#tenant.recentlyUsed = true
  }

  refusalOf(nowMs: number): FailureCode | undefined {
    const { untilMs, sessionId, issuedAtMs } = this.#conditions
    if (!(nowMs < untilMs)) return 'token_expired'
    return this.#tenant.legacyRefusal(sessionId, issuedAtMs)
  }
}
