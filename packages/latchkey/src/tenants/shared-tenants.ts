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
import { MinimumVersions } from './minimum-versions.js'
import type { SharedCacheSealer } from './shared-cache-sealer.js'
import { decodeSharedTenant, encodeSharedTenant, SHARED_TENANT_FORMAT, type SharedTenant } from './shared-tenant.js'
import type { OpenSecret } from './tenant-key.js'

/** Options of `SharedTenants`. */
export interface SharedTenantsOptions {
  readonly cache: SharedCache
  readonly store: Pick<TenantStore, 'readByKid' | 'lowWaterMark' | 'changesSince'>
  /** Opens tenants' secrets. */
  readonly keyring: Keyring
  /** Seals the entries. */
  readonly sealer: () => Pick<SharedCacheSealer, 'seal' | 'open'>
  /** Returns whether the last proof of the feed is recent enough. */
  readonly isFeedFresh: () => boolean
}

/**
 * Changed tenants to track per lifetime of an entry; with more, the cache is not read meanwhile.
 */
const maxChangedTenants = 100_000

/** A key ID that has ended never returns: no version is newer. */
const endedVersion = Number.MAX_SAFE_INTEGER

/**
 * Reads tenants through a shared cache (L2) that is not trusted (C6). Everything that the cache
 * does not have is read from the store.
 *
 * An entry is used only if it decrypts for its own key ID, and if every change that may have
 * followed it is known here: it was read in the same history, at a low-water mark not before the
 * point from which this process knows all changes, and no newer version was reported or read here.
 */
export class SharedTenants {
  readonly #options: SharedTenantsOptions
  readonly #grants: GrantsSealer
  /** The newest version of each tenant that changed since the point. */
  #newest = new Map<string, number>()
  /** The point of the history from which all changes are known; `undefined` while there is none. */
  #since: HistoryPoint | undefined
  /** The number of times that changes may have been missed. */
  #losses = 0
  /** Changes reported while the list of recent changes is being read. */
  #reported: Map<string, number> | undefined
  #minimum = new MinimumVersions()

  constructor(options: SharedTenantsOptions) {
    this.#options = options
    this.#grants = new GrantsSealer(options.keyring)
  }

  /** The longest lifetime of an entry of the cache in milliseconds. */
  get entryLifetimeMs(): number {
    return this.#options.cache.ttlMs
  }

  /** Reads the owners of these key IDs, from the cache where it can be used, or from the store. */
  async read(kids: readonly string[], startedAt: Instant): Promise<ReadonlyMap<string, Reading>> {
    const readings = await this.#readCache(kids)
    const rest = kids.filter((kid) => !readings.has(kid))
    if (rest.length === 0) return readings
    const { store } = this.#options
    const losses = this.#losses
    // Before the read, so that the entry never claims to be newer than it is.
    const point = await store.lowWaterMark()
    const records = await store.readByKid(rest)
    const entries = new Map<string, SharedTenant>()
    for (const kid of rest) {
      const record = records.get(kid)
      const opened = record === undefined ? null : this.#decrypt(record)
      readings.set(kid, { record: opened ?? record, readAt: startedAt })
      if (opened !== undefined) entries.set(kid, { lowWaterMark: point.lowWaterMark, record: opened })
    }
    // After a loss, the tenants may be of a newer history than the point.
    if (losses === this.#losses) void this.#write(point.history, entries)
    return readings
  }

  /** Records a change: older entries of the tenant are ignored from now on. */
  changed({ tenant, version }: Change): void {
    for (const versions of [this.#newest, this.#reported]) {
      if (versions !== undefined) raise(versions, tenant, version)
    }
    if (this.#newest.size > maxChangedTenants) this.lost()
  }

  /** Records that this process has read this version of the tenant. */
  wasRead(tenant: string, version: number): void {
    this.#minimum.raise(tenant, version)
  }

  /** Records that this process has found no tenant with this key ID. */
  ended(kid: string): void {
    this.#minimum.end(kid)
  }

  /** Records that the feed has delivered everything committed before `asOf`. */
  proved(asOf: Instant, now: Instant): void {
    this.#minimum.proved(asOf, now)
  }

  /** Stops using the cache until the recent changes have been read again: some may be missing. */
  lost(): void {
    this.#losses += 1
    this.#since = undefined
    this.#reported = undefined
    this.#newest = new Map()
    // The next list contains all versions read until now, and versions of another history have no
    // meaning.
    this.#minimum = new MinimumVersions()
  }

  /**
   * Reads the recent changes, so that stale entries of the cache can be recognised. Must be called
   * while the feed is running; fails as the store does.
   */
  async catchUp(): Promise<void> {
    const { store, cache } = this.#options
    const reported = new Map<string, number>()
    this.#reported = reported
    const { history, since, changes } = await store.changesSince(cache.ttlMs)
    // The feed was lost or another list was requested meanwhile.
    if (this.#reported !== reported) return
    this.#reported = undefined
    if (changes.length > maxChangedTenants) return this.lost()
    for (const { tenant, version } of changes) raise(reported, tenant, version)
    this.#newest = reported
    this.#since = { history, lowWaterMark: since }
  }

  async #readCache(kids: readonly string[]): Promise<Map<string, Reading>> {
    const readings = new Map<string, Reading>()
    const since = this.#since
    if (since === undefined || this.#minimum.hasOverflown || !this.#options.isFeedFresh()) return readings
    const values = await this.#options.cache.read(kids)
    for (const [kid, value] of values) {
      const shared = this.#open(value, bindingOf(since.history, kid))
      if (shared !== undefined && this.#isUsable(kid, shared)) {
        // A cache hit proves no age: only a proof of the feed makes it fresh.
        readings.set(kid, { record: shared.record ?? undefined, readAt: longAgo })
      }
    }
    return readings
  }

  #isUsable(kid: string, { lowWaterMark, record }: SharedTenant): boolean {
    // An ended key ID stays ended.
    if (record === null) return true
    // Versions that were read since the request of the values count as well.
    if (this.#minimum.hasOverflown || this.#minimum.hasEnded(kid)) return false
    if (!(this.#since !== undefined && lowWaterMark >= this.#since.lowWaterMark)) return false
    return record.version >= Math.max(this.#newest.get(record.tenant) ?? 0, this.#minimum.versionOf(record.tenant))
  }

  #open(value: string, binding: Binding): SharedTenant | undefined {
    try {
      return decodeSharedTenant(this.#options.sealer().open(value, binding).toString('utf8'))
    } catch {
      // A miss: forged, damaged, of another history, or sealed under a key that was replaced.
      return undefined
    }
  }

  /** Returns the tenant decrypted; `undefined` if that fails, and then it is not shared. */
  #decrypt(record: TenantRecord): SharedTenant['record'] | undefined {
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

  async #write(history: number, tenants: ReadonlyMap<string, SharedTenant>): Promise<void> {
    const { cache, sealer } = this.#options
    const entries = [...tenants].map(([kid, shared]): SharedCacheEntry => {
      const value = sealer().seal(Buffer.from(encodeSharedTenant(shared)), bindingOf(history, kid))
      return { kid, version: shared.record?.version ?? endedVersion, value }
    })
    await cache.write(entries)
  }
}

/**
 * An entry decrypts only for its own key ID and in its own history, because versions are comparable
 * in one history only.
 */
function bindingOf(history: number, kid: string): Binding {
  return ['shared-tenant', SHARED_TENANT_FORMAT, history, kid]
}

function raise(versions: Map<string, number>, tenant: string, version: number): void {
  if (version > (versions.get(tenant) ?? 0)) versions.set(tenant, version)
}
