import { callBack } from '../call-back.js'
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
import { BatchReader, type Reading } from './batch-reader.js'
import { Freshness } from './freshness.js'
import type { SharedTenants } from './shared-tenants.js'
import { TenantCache } from './tenant-cache.js'
import {
  type CachedTenant,
  type ReadTenant,
  type TenantKey,
  type TenantSurroundings,
  tenantMaker,
} from './tenant-key.js'
import type { VerifierLease } from './verifier-lease.js'

/** What `TenantResolver` works with. */
export interface TenantResolverOptions extends Pick<TenantSurroundings, 'open' | 'openGrants'> {
  readonly store: Pick<TenantStore, 'readByKid' | 'readTenants'>
  readonly lease: Pick<VerifierLease, 'ensure' | 'instant' | 'expire'>
  readonly maxTenants: number
  readonly maxStalenessMs: number
  readonly clock: Clock
  /** Returns whether a secret of this kid rests on a key that was replaced, so that nothing verifies with it. */
  readonly isReplaced: (kid: string) => boolean
  /** Called when keys other than tenants' secrets have changed, or may have. */
  readonly onKeysChange: () => void
  /** Called when the feed begins or ceases to vouch for what is in memory. */
  readonly onFeedChange: ((isFresh: boolean) => void) | undefined
}

/** Attempts to read a tenant that is read too slowly to be believed, before the answer is 503. */
const maxAttempts = 3

/** Looks at the feed per `maxStaleness`, and the longest time between two, in milliseconds: a watch ends within a second of the moment at which knowledge is too old. */
const looksPerStaleness = 4
const longestLookIntervalMs = 500

/**
 * What this process knows of tenants, and whether it may be believed now (C4, C6): the cache in memory, and behind it the shared one and the
 * store. It listens to the change feed, and tells those who hold on to a verdict when they had better look again.
 */
export class TenantResolver implements ChangeListener {
  readonly #clock: Clock
  readonly #freshness: Freshness
  readonly #lease: TenantResolverOptions['lease']
  readonly #cache: TenantCache
  readonly #byKid: BatchReader
  readonly #byTenant: BatchReader
  readonly #makeTenant: ReturnType<typeof tenantMaker>
  readonly #doubtListeners = new Set<FreshnessListener>()
  readonly #proofListeners = new Set<(asOf: Instant) => void>()
  readonly #isReplaced: TenantResolverOptions['isReplaced']
  readonly #onKeysChange: TenantResolverOptions['onKeysChange']
  readonly #onFeedChange: TenantResolverOptions['onFeedChange']
  readonly #maxStalenessMs: number
  readonly #lookIntervalMs: number
  readonly #shared: SharedTenants | undefined
  readonly #timers: NodeJS.Timeout[] = []
  #vouchedFor = false
  /** The newest proof, also of a feed that has been lost since. */
  #lastProof = longAgo
  #closed = false

  /** `createShared` makes the shared cache's side, if there is one, which must know whether the feed is fresh. */
  constructor(
    { store, lease, clock, open, openGrants, ...options }: TenantResolverOptions,
    createShared: (isFeedFresh: () => boolean) => SharedTenants | undefined,
  ) {
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
      keep: (tenant, reading) => this.#keep(reading) ?? this.#supersede(tenant, Number.POSITIVE_INFINITY),
      instant,
    })
    this.#makeTenant = tenantMaker({
      covers: (readAt, nowMs) => this.#freshness.covers(readAt, nowMs),
      open,
      openGrants,
    })
    this.#isReplaced = options.isReplaced
    this.#onKeysChange = options.onKeysChange
    this.#onFeedChange = options.onFeedChange
    this.#maxStalenessMs = options.maxStalenessMs
    this.#lookIntervalMs = Math.min(options.maxStalenessMs / looksPerStaleness, longestLookIntervalMs)
  }

  /** Milliseconds since the change feed last proved itself complete; Infinity while it does not vouch for anything. */
  get feedAgeMs(): number {
    return this.#freshness.feedAgeMs
  }

  /** The tenant, if it is in memory and may be believed now. */
  find(tenant: string): CachedTenant | undefined {
    const cached = this.#cache.find(tenant)
    return cached !== undefined && this.#isFresh(cached) ? cached : undefined
  }

  /**
   * The key whose tokens carry this header, if it is in memory; not when it is known that its tenant may not be believed. A few keys are found by their kid alone.
   * Whether it may be believed is for the key to say at the accept: what it refuses stays refused, however old that knowledge is.
   */
  findByHeader(headerSegment: string): TenantKey | undefined {
    return this.#ifLikelyFresh(this.#cache.findByHeader(headerSegment))
  }

  /** As `findByHeader`, by the kid. */
  findByKid(kid: string): TenantKey | undefined {
    return this.#ifLikelyFresh(this.#cache.findByKid(kid))
  }

  /** The tenant as it is read now; `undefined` when there is none. Fails with `store_unavailable`. */
  read(tenant: string): Promise<CachedTenant | undefined> {
    return this.#readWith(this.#byTenant, tenant)
  }

  /** The tenant that owns this kid; `undefined` when nobody does. Fails with `store_unavailable`. */
  readOwner(kid: string): Promise<CachedTenant | undefined> {
    return this.#readWith(this.#byKid, kid)
  }

  /** What is known of the tenant from before this version ends now, in memory and under way. */
  changed({ tenant, version }: Change): void {
    if (tenant === KEYS_CHANGED) {
      this.#onKeysChange()
      this.#doubt(undefined)
      return
    }
    this.#shared?.changed({ tenant, version })
    this.#supersede(tenant, version)
    this.#doubt(tenant)
  }

  /** Returns whether what was read at this instant, and was not reported as changed since, is still fresh enough to use. */
  covers(readAt: Instant): boolean {
    return this.#freshness.covers(readAt, this.#clock.now())
  }

  /** Forgets every tenant in memory and discards the reads under way: a key that they rest on was replaced. */
  forgetAll(): void {
    this.#cache.clear()
    this.#byKid.lost()
    this.#byTenant.lost()
    this.#doubt(undefined)
  }

  proved(asOf: Instant): void {
    this.#freshness.proved(asOf)
    this.#lastProof = asOf
    this.#shared?.proved(asOf, instantOf(this.#clock))
    for (const proved of this.#proofListeners) proved(asOf)
    this.#tellFeedState()
  }

  lost(): void {
    // The list may be that of another server by now, on which this verifier does not stand.
    this.#lease.expire()
    this.#freshness.lost()
    this.#cache.clear()
    this.#byKid.lost()
    this.#byTenant.lost()
    this.#shared?.lost()
    this.#onKeysChange()
    this.#tellFeedState()
    this.#doubt(undefined)
    void this.#catchUp()
  }

  /** Calls `doubted` whenever a verdict may hold no more; gives the way to end that. */
  watch(doubted: FreshnessListener): () => void {
    this.#doubtListeners.add(doubted)
    return () => this.#doubtListeners.delete(doubted)
  }

  /** Calls `heard` once every change committed before this call has been delivered to this process; returns the way to end that. */
  whenProved(heard: () => void): () => void {
    const { monotonicMs } = instantOf(this.#clock)
    const proved = (asOf: Instant) => {
      if (asOf.monotonicMs >= monotonicMs) heard()
    }
    this.#proofListeners.add(proved)
    return () => this.#proofListeners.delete(proved)
  }

  /** Begins with what has to be done now and then, once the feed is up. */
  async start(): Promise<void> {
    await this.#catchUp()
    if (this.#closed) return
    this.#timers.push(setInterval(() => this.#lookAtFeed(), this.#lookIntervalMs).unref())
    if (this.#shared === undefined) return
    // The list of changed tenants begins anew once it has grown for as long as entries live.
    this.#timers.push(setInterval(() => void this.#catchUp(), this.#shared.entryLifetimeMs).unref())
  }

  close(): void {
    this.#closed = true
    this.#cache.clear()
    for (const timer of this.#timers) clearInterval(timer)
  }

  #ifLikelyFresh(key: TenantKey | undefined): TenantKey | undefined {
    if (key === undefined || (this.#freshness.isInDoubt && !this.#isFresh(key))) return undefined
    key.use()
    return key
  }

  #isFresh({ readAt }: CachedTenant): boolean {
    return this.#freshness.covers(readAt, this.#clock.now())
  }

  async #readWith(reader: BatchReader, key: string): Promise<CachedTenant | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const registering = this.#lease.ensure()
      // A microtask each for thousands of cold tenants would be felt.
      if (registering !== undefined) await registering
      const cached = await reader.read(key)
      if (this.#closed) throw refusal('store_closed')
      if (cached === undefined || this.#isFresh(cached)) return cached
    }
    throw refusal('store_unavailable')
  }

  /** What was read is known from now on, unless something newer is: no read that began before and comes later puts an older version back (C6). */
  #keep({ record, readAt }: Reading): CachedTenant | undefined {
    if (record === undefined) return undefined
    const read = this.#makeTenant(this.#withoutReplaced(record), readAt)
    // After closing nothing is learnt any more.
    if (this.#closed) return read
    this.#supersede(record.tenant, record.version)
    this.#shared?.wasRead(record.tenant, record.version)
    return this.#cache.keep(read)
  }

  #withoutReplaced(record: ReadTenant): ReadTenant {
    if (!record.secrets.some(({ kid }) => this.#isReplaced(kid))) return record
    return { ...record, secrets: record.secrets.filter(({ kid }) => !this.#isReplaced(kid)) }
  }

  /** There is nobody who has this kid: whoever had it is not known any more. Who was refused for that is not accepted again. */
  #endKid(kid: string): undefined {
    this.#shared?.hasEnded(kid)
    this.#byKid.ended(kid)
    this.#byTenant.ended(kid)
    const owner = this.#cache.findByKid(kid)?.tenant
    if (owner !== undefined) this.#cache.drop(owner, Number.POSITIVE_INFINITY)
  }

  /** What is older than this version of the tenant ends, in memory and under way; all of it, when there is no such tenant any more. */
  #supersede(tenant: string, version: number): undefined {
    this.#cache.drop(tenant, version)
    this.#byKid.changed(tenant, version)
    this.#byTenant.changed(tenant, version)
  }

  async #catchUp(): Promise<void> {
    // Without the list the shared cache is not asked: slower, never wrong. The next time may succeed.
    await this.#shared?.catchUp().catch(() => {})
  }

  /** A feed that has gone silent says nothing itself. */
  #lookAtFeed(): void {
    this.#tellFeedState()
    if (!this.#freshness.isFeedFresh) this.#doubt(undefined)
  }

  #doubt(tenant: string | undefined): void {
    if (this.#doubtListeners.size === 0) return
    const standsForMs = this.#maxStalenessMs - elapsedMs(this.#clock, this.#lastProof)
    for (const doubted of this.#doubtListeners) doubted(tenant, standsForMs)
  }

  #tellFeedState(): void {
    const isFresh = this.#freshness.isFeedFresh
    if (isFresh === this.#vouchedFor) return
    this.#vouchedFor = isFresh
    callBack(() => this.#onFeedChange?.(isFresh))
  }
}

function readingsOf(records: ReadonlyMap<string, TenantRecord>, readAt: Instant): ReadonlyMap<string, Reading> {
  return new Map([...records].map(([key, record]) => [key, { record, readAt }]))
}
