import { type Instant, longAgo } from '../clock.js'
import { hmacSecretOf } from '../jws/hmac-key.js'
import type { Binding, Keyring } from '../sealing/keyring.js'
import { GrantsSealer } from '../secrets/grants-sealer.js'
import type {
  Change,
  HistoryPoint,
  SharedCache,
  SharedCacheEntry,
  TenantRecord,
  TenantStore,
} from '../secrets/ports.js'
import { openSecret } from '../secrets/secret-sealer.js'
import type { Reading } from './batch-reader.js'
import { ReadFloors } from './read-floors.js'
import type { SharedCacheSealer } from './shared-cache-sealer.js'
import { decodeSharedTenant, encodeSharedTenant, SHARED_TENANT_FORMAT, type SharedTenant } from './shared-tenant.js'
import type { OpenSecret } from './tenant-key.js'

/** What `SharedTenants` works with. */
export interface SharedTenantsOptions {
  readonly cache: SharedCache
  readonly store: Pick<TenantStore, 'readByKid' | 'lowWaterMark' | 'changesSince'>
  /** Opens tenants' secrets. */
  readonly keyring: Keyring
  /** Seals the entries. */
  readonly sealer: () => Pick<SharedCacheSealer, 'seal' | 'open'>
  /** Whether the feed vouches for what it has told. */
  readonly isFeedFresh: () => boolean
}

/** Tenants changed during one lifetime of the cache that are kept track of; with more, the cache is not asked until that time has passed. */
const maxChangedTenants = 100_000

/** A kid that has ended never comes back: no version is newer than its end. */
const endedVersion = Number.MAX_SAFE_INTEGER

/**
 * Reads tenants through a shared cache (L2) that is not trusted (C6). An entry is believed only when it opens under a key of ours for its own kid,
 * and when every change that could have come after it is known here: the entry was read in the same history, at a low-water mark not before the point from which this
 * process knows all changes, its tenant has none newer, and nothing newer has been read here. Everything else is read from the store.
 */
export class SharedTenants {
  readonly #options: SharedTenantsOptions
  readonly #grants: GrantsSealer
  /** The newest version of each tenant that changed since the point. */
  #newest = new Map<string, number>()
  /** The history, and the point of it where complete knowledge begins; `undefined` while there is none. */
  #since: HistoryPoint | undefined
  /** How often knowledge was lost. */
  #losses = 0
  /** What was told while the list of recent changes is being read. */
  #told: Map<string, number> | undefined
  #floors = new ReadFloors()

  constructor(options: SharedTenantsOptions) {
    this.#options = options
    this.#grants = new GrantsSealer(options.keyring)
  }

  /** How long an entry of the cache is kept at most, in milliseconds. */
  get entryLifetimeMs(): number {
    return this.#options.cache.ttlMs
  }

  /** Reads these kids, from the cache what can be believed and from the store the rest. */
  async read(kids: readonly string[], startedAt: Instant): Promise<ReadonlyMap<string, Reading>> {
    const readings = await this.#readCache(kids)
    const rest = kids.filter((kid) => !readings.has(kid))
    if (rest.length === 0) return readings
    const { store } = this.#options
    const losses = this.#losses
    // Before the read: it may only make the entry look older than it is.
    const point = await store.lowWaterMark()
    const records = await store.readByKid(rest)
    const offers = new Map<string, SharedTenant>()
    for (const kid of rest) {
      const record = records.get(kid)
      const opened = record === undefined ? null : this.#opened(record)
      readings.set(kid, { record: opened ?? record, readAt: startedAt })
      if (opened !== undefined) offers.set(kid, { lowWaterMark: point.lowWaterMark, record: opened })
    }
    // Otherwise the tenants may be of a newer history than the point.
    if (losses === this.#losses) void this.#offer(point.history, offers)
    return readings
  }

  /** The tenant has this version now: entries of older ones are not believed. */
  changed({ tenant, version }: Change): void {
    for (const versions of [this.#newest, this.#told]) {
      if (versions !== undefined) raise(versions, tenant, version)
    }
    if (this.#newest.size > maxChangedTenants) this.lost()
  }

  /** This process has read this version of the tenant, wherever that was. */
  wasRead(tenant: string, version: number): void {
    this.#floors.raise(tenant, version)
  }

  /** This process has found that no tenant has this kid. */
  hasEnded(kid: string): void {
    this.#floors.end(kid)
  }

  /** The feed has delivered everything committed before `asOf`; `now` is this moment. */
  proved(asOf: Instant, now: Instant): void {
    this.#floors.proved(asOf, now)
  }

  /** Changes may have been missed: nothing of the cache is believed until the recent ones have been read again. */
  lost(): void {
    this.#losses += 1
    this.#since = undefined
    this.#told = undefined
    this.#newest = new Map()
    // The list that is read next holds what was read until now; versions of another history mean nothing in this one.
    this.#floors = new ReadFloors()
  }

  /** Reads the recent changes, so that entries of the cache can be told from stale ones. To be called while the feed is up; fails as the store does. */
  async catchUp(): Promise<void> {
    const { store, cache } = this.#options
    const told = new Map<string, number>()
    this.#told = told
    const { history, since, changes } = await store.changesSince(cache.ttlMs)
    // Whatever happened meanwhile, this list is not the one to go by.
    if (this.#told !== told) return
    this.#told = undefined
    if (changes.length > maxChangedTenants) return this.lost()
    for (const { tenant, version } of changes) raise(told, tenant, version)
    this.#newest = told
    this.#since = { history, lowWaterMark: since }
  }

  async #readCache(kids: readonly string[]): Promise<Map<string, Reading>> {
    const readings = new Map<string, Reading>()
    const since = this.#since
    if (since === undefined || this.#floors.hasOverflown || !this.#options.isFeedFresh()) return readings
    const values = await this.#options.cache.read(kids)
    for (const [kid, value] of values) {
      const shared = this.#open(value, bindingOf(since.history, kid))
      if (shared !== undefined && this.#isBelieved(kid, shared)) {
        // Finding it here is no news: only the feed can vouch for it.
        readings.set(kid, { record: shared.record ?? undefined, readAt: longAgo })
      }
    }
    return readings
  }

  #isBelieved(kid: string, { lowWaterMark, record }: SharedTenant): boolean {
    // An ended kid stays ended, whatever changes come.
    if (record === null) return true
    // What has been read since the values were asked for counts as well.
    if (this.#floors.hasOverflown || this.#floors.hasEnded(kid)) return false
    if (!(this.#since !== undefined && lowWaterMark >= this.#since.lowWaterMark)) return false
    return record.version >= Math.max(this.#newest.get(record.tenant) ?? 0, this.#floors.versionOf(record.tenant))
  }

  #open(value: string, binding: Binding): SharedTenant | undefined {
    try {
      return decodeSharedTenant(this.#options.sealer().open(value, binding).toString('utf8'))
    } catch {
      // Forged, damaged, of another history, or sealed under a key that was replaced: a miss.
      return undefined
    }
  }

  /** The tenant with its secrets and grants open; `undefined` when one of them cannot be opened here: then it is not shared. */
  #opened(record: TenantRecord): SharedTenant['record'] | undefined {
    try {
      const grants = record.grants === null ? null : this.#grants.open(record, record.grants)
      const secrets = record.secrets.map(({ masterKeyId, sealed, ...secret }): OpenSecret => {
        const bytes = openSecret(this.#options.keyring, record.tenant, { masterKeyId, sealed, ...secret })
        return { ...secret, secret: hmacSecretOf(secret.algorithm, bytes) }
      })
      return { ...record, secrets, grants }
    } catch {
      return undefined
    }
  }

  async #offer(history: number, offers: ReadonlyMap<string, SharedTenant>): Promise<void> {
    const { cache, sealer } = this.#options
    const entries = [...offers].map(([kid, shared]): SharedCacheEntry => {
      const value = sealer().seal(Buffer.from(encodeSharedTenant(shared)), bindingOf(history, kid))
      return { kid, version: shared.record?.version ?? endedVersion, value }
    })
    await cache.write(entries)
  }
}

/** An entry opens for its own kid alone, and in the history that it was read in: points and versions of another one mean other changes. */
function bindingOf(history: number, kid: string): Binding {
  return ['shared-tenant', SHARED_TENANT_FORMAT, history, kid]
}

function raise(versions: Map<string, number>, tenant: string, version: number): void {
  if (version > (versions.get(tenant) ?? 0)) versions.set(tenant, version)
}
