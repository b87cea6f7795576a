import { callBack } from '../call-back.js'
import { publishFeed } from '../channels.js'
import { type Clock, elapsedMs, type Instant, instantOf, longAgo } from '../clock.js'
import { refusal } from '../errors.js'
import type { FreshnessListener } from '../keys/key-source.js'
import {
  type Change,
  type ChangeListener,
  KEYS_CHANGED,
  type TenantRecord,
  type TenantStore,
} from '../secrets/ports.js'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../timers.js'
import { BatchReader, type Reading } from './batch-reader.js'
import { Freshness } from './freshness.js'
import type { SharedTenants } from './shared-tenants.js'
import { TenantCache } from './tenant-cache.js'
import {
  absentTenant,
  type CachedTenant,
  type ReadTenant,
  type TenantKey,
  type TenantServices,
  tenantMaker,
} from './tenant-key.js'
import type { VerifierLease } from './verifier-lease.js'
import { earlyMs } from './wait-for-acknowledgements.js'

/** Options of `TenantResolver`. */
export interface TenantResolverOptions extends Pick<TenantServices, 'open' | 'openGrants' | 'acceptsLegacy'> {
  /** The source of messages about the feed. */
  readonly source: object
  readonly store: Pick<TenantStore, 'readByKid' | 'readTenants'>
  readonly lease: Pick<VerifierLease, 'ensure' | 'instant' | 'expire'>
  readonly maxTenants: number
  readonly maxStalenessMs: number
  readonly clock: Clock
  /**
   * Returns whether a secret with this key ID depends on a replaced key, and so verifies nothing.
   */
  readonly isReplaced: (kid: string) => boolean
  /** Called when keys other than tenants' secrets may have changed. */
  readonly onKeysChange: () => void
  /** Called when the feed becomes fresh or stops being fresh. */
  readonly onFeedChange: ((isFresh: boolean) => void) | undefined
}

/** Attempts to read a tenant whose reads are stale on arrival, before the call fails with 503. */
const maxAttempts = 3

/** Checks of the feed's age per `maxStaleness`. */
const ageChecksPerStaleness = 4

/** The longest interval between them: a watch ends within a second after data has become stale. */
const longestAgeCheckIntervalMs = 500

/**
 * Finds tenants in memory while they are fresh (C4, C6), and reads them from the shared cache or
 * the store otherwise. It consumes the change feed, and notifies listeners when a verdict on a
 * token may have become invalid.
 */
export class TenantResolver implements ChangeListener {
  readonly #source: object
  readonly #clock: Clock
  readonly #freshness: Freshness
  readonly #lease: TenantResolverOptions['lease']
  readonly #cache: TenantCache
  readonly #byKid: BatchReader<CachedTenant | undefined>
  readonly #byTenant: BatchReader<CachedTenant>
  readonly #services: TenantServices
  readonly #makeTenant: ReturnType<typeof tenantMaker>
  readonly #freshnessListeners = new Set<FreshnessListener>()
  readonly #proofListeners = new Set<(asOf: Instant) => void>()
  readonly #isReplaced: TenantResolverOptions['isReplaced']
  readonly #onKeysChange: TenantResolverOptions['onKeysChange']
  readonly #onFeedChange: TenantResolverOptions['onFeedChange']
  readonly #maxStalenessMs: number
  readonly #ageCheckIntervalMs: number
  readonly #shared: SharedTenants | undefined
  readonly #timers: NodeJS.Timeout[] = []
  #losses = 0
  #wasFresh = false
  /** The newest proof, even if the feed was lost since. */
  #lastProof = longAgo
  #closed = false

  /** `createShared` returns the reader of the shared cache, if there is one. */
  constructor(
    { store, lease, clock, open, openGrants, acceptsLegacy, ...options }: TenantResolverOptions,
    createShared: (isFeedFresh: () => boolean) => SharedTenants | undefined,
  ) {
    this.#source = options.source
    this.#clock = clock
    this.#freshness = new Freshness(clock, options.maxStalenessMs)
    this.#cache = new TenantCache(options.maxTenants)
    this.#shared = createShared(() => this.#freshness.isFeedFresh)
    this.#lease = lease
    const { instant } = lease
    this.#byKid = new BatchReader({
      read: async (kids, startedAt) =>
        (await this.#shared?.read(kids, startedAt)) ?? readingsOf(await store.readByKid(kids), startedAt),
      keep: (kid, reading) => this.#keep(reading) ?? this.#endKid(kid),
      instant,
    })
    this.#byTenant = new BatchReader({
      read: async (tenants, startedAt) => readingsOf(await store.readTenants(tenants), startedAt),
      keep: (tenant, reading) => this.#keep(reading) ?? this.#keepAbsent(tenant, reading.readAt),
      instant,
    })
    const covers = (readAt: Instant, nowMs: number) => this.#freshness.covers(readAt, nowMs)
    this.#services = { covers, open, openGrants, acceptsLegacy }
    this.#makeTenant = tenantMaker(this.#services)
    this.#isReplaced = options.isReplaced
    this.#onKeysChange = options.onKeysChange
    this.#onFeedChange = options.onFeedChange
    this.#maxStalenessMs = options.maxStalenessMs
    this.#ageCheckIntervalMs = Math.min(options.maxStalenessMs / ageChecksPerStaleness, longestAgeCheckIntervalMs)
  }

  /** Age of the feed's last proof in milliseconds; `Infinity` without one. */
  get feedAgeMs(): number {
    return this.#freshness.feedAgeMs
  }

  /**
   * The number of times that everything read before was dropped, because it may lack changes or
   * belong to another history.
   */
  get losses(): number {
    return this.#losses
  }

  /** Returns the tenant if it is in memory and fresh. */
  find(tenant: string): CachedTenant | undefined {
    const cached = this.#cache.find(tenant)
    return cached !== undefined && this.#isFresh(cached) ? cached : undefined
  }

  /**
   * Returns the key whose tokens have this header, if it is in memory and not known to be stale. A
   * few keys are found by their key ID alone. The key itself is asked whether it is current when a
   * token is accepted; a refusal stays valid, however old the data is.
   */
  findByHeader(headerSegment: string): TenantKey | undefined {
    return this.#ifLikelyFresh(this.#cache.findByHeader(headerSegment))
  }

  /** Returns the key with this key ID, as `findByHeader` does. */
  findByKid(kid: string): TenantKey | undefined {
    return this.#ifLikelyFresh(this.#cache.findByKid(kid))
  }

  /** Reads a tenant. One that does not exist has no keys. Fails with `store_unavailable`. */
  read(tenant: string): Promise<CachedTenant> {
    return this.#readWith(this.#byTenant, tenant)
  }

  /**
   * Reads the tenant that owns this key ID; `undefined` for none. Fails with `store_unavailable`.
   */
  readOwner(kid: string): Promise<CachedTenant | undefined> {
    return this.#readWith(this.#byKid, kid)
  }

  changed(change: Change): void {
    publishFeed(() => ({
      source: this.#source,
      event: 'change',
      of: change.tenant === KEYS_CHANGED ? 'keys' : 'tenant',
      maxDelayMs: this.#freshness.feedAgeMs,
    }))
    this.apply(change)
  }

  /** Ends older versions of the tenant, in memory and in reads that have begun. */
  apply({ tenant, version }: Change): void {
    if (tenant === KEYS_CHANGED) {
      this.#onKeysChange()
      this.#notify(undefined)
      return
    }
    this.#shared?.changed({ tenant, version })
    this.#supersede(tenant, version)
    this.#notify(tenant)
  }

  /**
   * Returns whether data read at this instant, and not reported as changed since, is still fresh
   * enough to use.
   */
  covers(readAt: Instant): boolean {
    return this.#freshness.covers(readAt, this.#clock.now())
  }

  /** Ends all tenants in memory and in reads that have begun: a key that they depend on changed. */
  forgetAll(): void {
    this.#cache.clear()
    this.#byKid.lost()
    this.#byTenant.lost()
    this.#notify(undefined)
  }

  proved(asOf: Instant): void {
    publishFeed(() => ({ source: this.#source, event: 'proof', ageMs: elapsedMs(this.#clock, asOf) }))
    this.#freshness.proved(asOf)
    this.#lastProof = asOf
    this.#shared?.proved(asOf, instantOf(this.#clock))
    for (const listener of this.#proofListeners) listener(asOf)
    this.#reportFeedState()
  }

  lost(): void {
    this.#losses += 1
    // The feed may have moved to another server, whose list lacks this verifier.
    this.#lease.expire()
    this.#freshness.lost()
    this.#cache.clear()
    this.#byKid.lost()
    this.#byTenant.lost()
    this.#shared?.lost()
    this.#onKeysChange()
    this.#reportFeedState()
    this.#notify(undefined)
    void this.#catchUp()
  }

  /**
   * Calls `listener` whenever a verdict may have become invalid. Returns a function that removes
   * it.
   */
  watch(listener: FreshnessListener): () => void {
    this.#freshnessListeners.add(listener)
    return () => this.#freshnessListeners.delete(listener)
  }

  /**
   * Resolves to `true` once every change committed before this call has been delivered to this
   * process, and to `false` once cached data from before it is too old to be used.
   */
  caughtUp(): Promise<boolean> {
    const { monotonicMs } = instantOf(this.#clock)
    return new Promise((resolve) => {
      const finish = (isDelivered: boolean) => {
        clearTimeout(timer)
        this.#proofListeners.delete(proved)
        resolve(isDelivered)
      }
      const proved = (asOf: Instant) => {
        if (asOf.monotonicMs >= monotonicMs) finish(true)
      }
      const timer = setTimeout(finish, this.#maxStalenessMs + earlyMs, false)
      this.#proofListeners.add(proved)
    })
  }

  /** Starts the periodic work. Must be called once the feed is running. */
  async start(): Promise<void> {
    await this.#catchUp()
    if (this.#closed) return
    this.#timers.push(setInterval(() => this.#checkFeedAge(), this.#ageCheckIntervalMs).unref())
    if (this.#shared === undefined) return
    // The list of changed tenants is read again once entries of the cache have expired meanwhile.
    this.#timers.push(setInterval(() => void this.#catchUp(), this.#shared.entryLifetimeMs).unref())
  }

  close(): void {
    this.#closed = true
    this.#cache.clear()
    for (const timer of this.#timers) clearInterval(timer)
  }

  #ifLikelyFresh(key: TenantKey | undefined): TenantKey | undefined {
    if (key === undefined || (this.#freshness.isSuspect && !this.#isFresh(key))) return undefined
    key.use()
    return key
  }

  #isFresh({ readAt }: CachedTenant): boolean {
    return this.#freshness.covers(readAt, this.#clock.now())
  }

  async #readWith<T extends CachedTenant | undefined>(reader: BatchReader<T>, key: string): Promise<T> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const renewing = this.#lease.ensure()
      // Thousands of uncached tenants would be slowed down by one microtask each.
      if (renewing !== undefined) await renewing
      const cached = await reader.read(key)
      if (this.#closed) throw refusal('store_closed')
      if (cached === undefined || this.#isFresh(cached)) return cached
    }
    throw refusal('store_unavailable')
  }

  /** Caches a tenant that was read, unless a newer version is known (C6). */
  #keep({ record, readAt }: Reading): CachedTenant | undefined {
    if (record === undefined) return undefined
    const read = this.#makeTenant(this.#withoutReplaced(record), readAt)
    // After closing nothing is cached.
    if (this.#closed) return read
    this.#supersede(record.tenant, record.version)
    this.#shared?.wasRead(record.tenant, record.version)
    return this.#cache.keep(read)
  }

  /**
   * Ends what is cached of a tenant that does not exist. If legacy tokens are accepted, its absence
   * is cached: the feed reports when it is created.
   */
  #keepAbsent(tenant: string, readAt: Instant): CachedTenant {
    this.#supersede(tenant, Number.POSITIVE_INFINITY)
    const absent = absentTenant(tenant, readAt, this.#services)
    return this.#services.acceptsLegacy && !this.#closed ? this.#cache.keep(absent) : absent
  }

  #withoutReplaced(record: ReadTenant): ReadTenant {
    if (!record.secrets.some(({ kid }) => this.#isReplaced(kid))) return record
    return { ...record, secrets: record.secrets.filter(({ kid }) => !this.#isReplaced(kid)) }
  }

  /** Ends the tenant that had this key ID, so that no token is accepted after one was refused. */
  #endKid(kid: string): undefined {
    this.#shared?.ended(kid)
    this.#byKid.ended(kid)
    this.#byTenant.ended(kid)
    const owner = this.#cache.findByKid(kid)?.tenant
    if (owner !== undefined) this.#cache.drop(owner, Number.POSITIVE_INFINITY)
  }

  /** Ends what is older than this version of the tenant, in memory and in reads that have begun. */
  #supersede(tenant: string, version: number): void {
    this.#cache.drop(tenant, version)
    this.#byKid.changed(tenant, version)
    this.#byTenant.changed(tenant, version)
  }

  async #catchUp(): Promise<void> {
    // Without the list the shared cache is not read: slower, never wrong. The next call may
    // succeed.
    await this.#shared?.catchUp().catch(() => {})
  }

  /** A feed that stops delivering does not report that itself. */
  #checkFeedAge(): void {
    this.#reportFeedState()
    if (!this.#freshness.isFeedFresh) this.#notify(undefined)
  }

  #notify(tenant: string | undefined): void {
    if (this.#freshnessListeners.size === 0) return
    const freshForMs = this.#maxStalenessMs - elapsedMs(this.#clock, this.#lastProof)
    for (const listener of this.#freshnessListeners) listener(tenant, freshForMs)
  }

  #reportFeedState(): void {
    const isFresh = this.#freshness.isFeedFresh
    if (isFresh === this.#wasFresh) return
    this.#wasFresh = isFresh
    publishFeed(() => ({ source: this.#source, event: isFresh ? 'regained' : 'lost' }))
    callBack(() => this.#onFeedChange?.(isFresh))
  }
}

function readingsOf(records: ReadonlyMap<string, TenantRecord>, readAt: Instant): ReadonlyMap<string, Reading> {
  return new Map([...records].map(([key, record]) => [key, { record, readAt }]))
}
