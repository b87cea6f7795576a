import { BoundedMap, type Evictable } from '../bounded-map.js'
import { isLatchkeyError, refusal } from '../errors.js'
import type { HmacAlgorithm } from '../jws/algorithms.js'
import type { SigningKey, VerifyingKey } from '../keys/key-source.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { CachedTenant, TenantKey } from '../tenants/tenant-key.js'
import type { StoreSession } from './store-session.js'

/**
 * Attempts to sign for a tenant whose secret is ended again and again, before the answer is 503.
 */
const maxAttempts = 3

/** Ended key IDs that are remembered, so that an old token costs one read in all. */
const maxEndedKids = 10_000

/** A key ID that was not found. */
interface EndedKid extends Evictable {
  /** The losses of the resolver when the read began: a newer history may have the key. */
  readonly losses: number
}

/** Finds the keys that are not in memory under the header of a token. */
export class KeyLookup {
  readonly #session: StoreSession
  readonly #provision: (tenant: string) => Promise<void>
  readonly #endedKids = new BoundedMap<string, EndedKid>(maxEndedKids)

  /** `provision` creates a secret for a tenant that has none. */
  constructor(session: StoreSession, provision: (tenant: string) => Promise<void>) {
    this.#session = session
    this.#provision = provision
  }

  /** Returns the key with this ID. Throws as `KeySource.verifyingKey` does. */
  verifyingKey(kid: string, algorithm: HmacAlgorithm): MaybePromise<VerifyingKey> {
    const pending = this.ensureKeys()
    if (pending === undefined) return this.#findKey(kid, algorithm)
    return pending.then(() => this.#findKey(kid, algorithm))
  }

  /** Opens the store and reads the stored keys; returns `undefined` if they are fresh. */
  ensureKeys(): Promise<void> | undefined {
    const { opened, storedKeys } = this.#session
    return opened === undefined ? this.#open() : storedKeys.ensure()
  }

  /** Returns whether this key ID was issued here. Must be called while the stored keys are known. */
  hasIssued(kid: string): boolean {
    const { kids } = this.#session.reached()
    return kids.accepted.some((issuer) => issuer.recognises(kid)) || kids.replaced?.recognises(kid) === true
  }

  /** Reads the key that signs for the tenant, and creates it if there is none. */
  async signingKey(tenant: string): Promise<SigningKey> {
    const { storedKeys, resolver } = this.#session
    await this.#session.open()
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await storedKeys.ensure()
      const key = signingKeyOf(await resolver.read(tenant))
      if (key !== undefined) return key
      await this.#provision(tenant).catch(ignoreInactive)
    }
    throw refusal('store_unavailable')
  }

  async #open(): Promise<void> {
    await this.#session.open()
    await this.#session.storedKeys.ensure()
  }

  /** Must be called while the stored keys are known. */
  #findKey(kid: string, algorithm: HmacAlgorithm): MaybePromise<VerifyingKey> {
    this.#checkKid(kid)
    const ended = this.#endedKids.get(kid)
    if (ended !== undefined && ended.losses === this.#session.resolver.losses) {
      ended.recentlyUsed = true
      throw refusal('token_revoked')
    }
    const cached = this.#session.resolver.findByKid(kid)
    return cached === undefined ? this.#readKey(kid, algorithm) : checkAlgorithmOf(cached, algorithm)
  }

  async #readKey(kid: string, algorithm: HmacAlgorithm): Promise<VerifyingKey> {
    const { losses } = this.#session.resolver
    const owner = await this.#session.resolver.readOwner(kid)
    // The key that authenticates the key ID may have been replaced meanwhile.
    await this.#session.storedKeys.ensure()
    this.#checkKid(kid)
    const key = owner?.keys.find((candidate) => candidate.kid === kid)
    if (key === undefined) {
      this.#endedKids.set(kid, { recentlyUsed: false, losses })
      throw refusal('token_revoked')
    }
    return checkAlgorithmOf(key, algorithm)
  }

  #checkKid(kid: string): void {
    const { kids } = this.#session.reached()
    if (kids.accepted.some((issuer) => issuer.recognises(kid))) return
    throw refusal(kids.replaced?.recognises(kid) === true ? 'token_revoked' : 'kid_unknown')
  }
}

/** Returns the key that signs for the tenant, if it has one. Throws `tenant_disabled`. */
export function signingKeyOf(cached: CachedTenant): TenantKey | undefined {
  if (cached.isDisabled) throw refusal('tenant_disabled')
  cached.recentlyUsed = true
  return cached.signingKey
}

/** The next read refuses a tenant that has been disabled meanwhile. */
function ignoreInactive(error: unknown): void {
  if (!(isLatchkeyError(error) && error.code === 'tenant_inactive')) throw error
}

/** The algorithm belongs to the key, so a token that names another one is refused (C3). */
function checkAlgorithmOf(key: TenantKey, algorithm: HmacAlgorithm): TenantKey {
  if (key.algorithm !== algorithm) throw refusal('algorithm_refused')
  return key
}
