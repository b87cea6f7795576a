import { maxCapacity } from '../bounded-map.js'
import { checkWhole } from '../check-whole.js'
import { type Clock, systemClock } from '../clock.js'
import { LatchkeyError, refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { Keyring } from '../sealing/keyring.js'
import { GrantsSealer } from '../secrets/grants-sealer.js'
import { KidIssuer } from '../secrets/kid-issuer.js'
import type { ChangeFeed, TenantStore } from '../secrets/ports.js'
import { SecretSealer } from '../secrets/secret-sealer.js'
import { type StoredKey, StoredKeys } from '../secrets/stored-keys.js'
import { SharedCacheSealer } from '../tenants/shared-cache-sealer.js'
import { SharedTenants } from '../tenants/shared-tenants.js'
import { TenantResolver } from '../tenants/tenant-resolver.js'
import { VerifierLease } from '../tenants/verifier-lease.js'
import type { TenantSecretsOptions } from './tenant-secrets-options.js'

/** Milliseconds for which changes stay in the log, so that a feed that polls can catch up. */
export const changeLogMs = 3_600_000

/** Reads of the feed per `maxStaleness`: one may be late or lost before data becomes stale. */
const proofsPerStaleness = 3

/** The objects that exist once the store has been reached. */
export interface Opened {
  readonly kids: StoredKey<KidIssuer>
  readonly sealer: SecretSealer
  readonly grants: GrantsSealer
  readonly cacheSealer: SharedCacheSealer
  readonly feed: ChangeFeed
}

/** The use of the store by the key source: opened once, at the first use, and closed once. */
export class StoreSession<Client = unknown> {
  /** The source of the messages that this key source publishes. */
  readonly source: object
  readonly store: TenantStore<Client>
  readonly keyring: Keyring
  readonly clock: Clock
  readonly lease: VerifierLease
  readonly resolver: TenantResolver
  readonly storedKeys: StoredKeys
  readonly #algorithm: HmacAlgorithm
  readonly #maxStalenessMs: number
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  #closed = false

  constructor(source: object, options: TenantSecretsOptions<Client>) {
    const { store, clock = systemClock } = options
    if (store === undefined) {
      throw new TypeError('store is missing: pass postgresStore, sqliteStore or memoryStore.')
    }
    this.source = source
    this.store = store
    this.clock = clock
    this.keyring = Keyring.parse(options.masterKeys)
    this.#algorithm = checkAlgorithm(options.algorithm ?? 'HS256')
    this.#maxStalenessMs = checkWhole('maxStaleness', options.maxStaleness ?? 2000, 250, 60_000)
    this.lease = new VerifierLease({ store, maxStalenessMs: this.#maxStalenessMs, clock })
    this.resolver = this.#createResolver(options)
    this.storedKeys = new StoredKeys({
      store,
      keyring: this.keyring,
      lease: this.lease,
      covers: (readAt) => this.resolver.covers(readAt),
      onChange: () => this.resolver.forgetAll(),
      nowMs: () => clock.now(),
    })
  }

  /** The objects that exist once the store has been reached; `undefined` before. */
  get opened(): Opened | undefined {
    return this.#opened
  }

  /**
   * Opens the store unless that is done. Throws `store_closed`, and as `TenantSecrets.ready` does.
   */
  async open(): Promise<Opened> {
    if (this.#closed) throw refusal('store_closed')
    this.#opening ??= this.#openStore()
    try {
      this.#opened = await this.#opening
      return this.#opened
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /**
   * Returns the objects that exist once the store has been reached, for callers that run only then.
   */
  reached(): Opened {
    if (this.#opened === undefined) throw new LatchkeyError('store_closed')
    return this.#opened
  }

  /** Returns whether a secret with this key ID depends on a key that has been replaced. */
  isReplaced(kid: string): boolean {
    return this.#opened?.kids.replaced?.recognises(kid) === true
  }

  /** Adds the encryptions since the last call to the count in the store. */
  async countSeals(): Promise<void> {
    const count = this.keyring.takeSealCount()
    if (count > 0) await this.store.countSeals(this.keyring.newestId, count)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.resolver.close()
    // After a failed opening there is nothing to close.
    const opened = await this.#opening?.catch(() => undefined)
    if (opened === undefined) return
    await opened.feed.close()
    // The count is approximate, so a failure does not matter.
    await this.countSeals().catch(() => {})
    await this.lease.close()
  }

  #createResolver(options: TenantSecretsOptions<Client>): TenantResolver {
    return new TenantResolver(
      {
        source: this.source,
        store: this.store,
        lease: this.lease,
        maxTenants: checkWhole('maxTenants', options.maxTenants ?? 100_000, 1, maxCapacity),
        maxStalenessMs: this.#maxStalenessMs,
        clock: this.clock,
        acceptsLegacy: options.legacy !== undefined,
        open: (tenant, record) => this.reached().sealer.open(tenant, record),
        openGrants: (place, sealed) => this.reached().grants.open(place, sealed),
        isReplaced: (kid) => this.isReplaced(kid),
        onKeysChange: () => this.storedKeys.invalidate(),
        onFeedChange: options.onFeedChange,
      },
      (isFeedFresh) => this.#createSharedTenants(options.cache, isFeedFresh),
    )
  }

  #createSharedTenants(
    cache: TenantSecretsOptions<Client>['cache'],
    isFeedFresh: () => boolean,
  ): SharedTenants | undefined {
    if (cache === undefined) return undefined
    // Half, because clocks differ: the changes that make an entry stale must still be in the log.
    if (!(cache.ttlMs <= changeLogMs / 2)) {
      throw new TypeError('The ttl of the cache exceeds half an hour: lower it.')
    }
    const sealer = () => this.reached().cacheSealer
    return new SharedTenants({ cache, store: this.store, keyring: this.keyring, sealer, isFeedFresh })
  }

  async #openStore(): Promise<Opened> {
    const masterKeyIds = await this.store.masterKeyIds()
    if (!masterKeyIds.every((id) => this.keyring.has(id))) {
      throw new LatchkeyError('master_key_missing')
    }
    // Before anything is read that may be cached.
    await this.lease.start()
    const feed = await this.store.watch(this.resolver, {
      verifierId: this.lease.verifier.id,
      intervalMs: this.#maxStalenessMs / proofsPerStaleness,
      instant: this.lease.instant,
    })
    try {
      return await this.#openKeys(feed)
    } catch (error) {
      await feed.close()
      throw error
    }
  }

  /** Reads the stored keys, after the feed has started, so that no replacement is missed. */
  async #openKeys(feed: ChangeFeed): Promise<Opened> {
    const kids = await this.storedKeys.key('kid-key', (bytes) => new KidIssuer(bytes))
    const cacheKey = await this.storedKeys.key('shared-cache-key', (bytes) => bytes)
    const issuer = { mint: () => kids.current.mint() }
    const sealer = new SecretSealer(this.keyring, issuer, this.#algorithm)
    await this.resolver.start()
    const grants = new GrantsSealer(this.keyring)
    return { kids, sealer, grants, cacheSealer: new SharedCacheSealer(cacheKey), feed }
  }
}

function checkAlgorithm(algorithm: HmacAlgorithm): HmacAlgorithm {
  if (!isHmacAlgorithm(algorithm)) {
    throw new TypeError('algorithm is unknown: use HS256, HS384 or HS512.')
  }
  return algorithm
}
