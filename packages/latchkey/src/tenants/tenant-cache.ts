import { BoundedMap } from '../bounded-map.js'
import { headerMark, kidMark } from '../secrets/canonical-header.js'
import { setImmediate } from '../timers.js'
import type { CachedTenant, TenantKey } from './tenant-key.js'

/**
 * The tenants in the memory of this process, bounded, found by ID or by the key ID of a token. A
 * tenant that is removed ends, and with it the verdicts that depend on it.
 */
export class TenantCache {
  readonly #tenants: BoundedMap<string, CachedTenant>
  /**
   * By the mark of the header: a number is found faster than a string, and takes no more memory.
   */
  readonly #keys = new Map<number, TenantKey>()
  /** By key ID, the keys whose mark another key has: a few hundred in a million. */
  readonly #collided = new Map<string, TenantKey>()
  /** Tenants that were read in this turn of the event loop. */
  readonly #justRead = new Set<CachedTenant>()
  /**
   * Tenants that were read and evicted in the same turn. They stay usable until the turn ends,
   * because the verifications that waited for them continue in it, however many tenants came with
   * the same read. Changes end them like the others.
   */
  readonly #evicted = new Map<string, CachedTenant>()

  constructor(maxTenants: number) {
    this.#tenants = new BoundedMap(maxTenants, (_, cached) => this.#evict(cached))
  }

  get size(): number {
    return this.#tenants.size
  }

  find(tenant: string): CachedTenant | undefined {
    return this.#tenants.get(tenant)
  }

  /** Returns the key whose tokens have this header. A few keys are found by their key ID alone. */
  findByHeader(headerSegment: string): TenantKey | undefined {
    const likely = this.#keys.get(headerMark(headerSegment))
    return likely?.hasHeader(headerSegment) === true ? likely : undefined
  }

  findByKid(kid: string): TenantKey | undefined {
    const likely = this.#keys.get(kidMark(kid))
    return likely?.kid === kid ? likely : this.#collided.get(kid)
  }

  /**
   * Caches a tenant that was read, and returns the cached one: the newest version, in whatever
   * order reads arrive (C6). Another read of the same version only renews its time, so that the
   * verdicts that depend on it stay valid.
   */
  keep(read: CachedTenant): CachedTenant {
    const { tenant, version } = read
    const known = this.#tenants.get(tenant) ?? this.#reinstate(tenant)
    this.#noteRead(known?.version === version ? known : read)
    if (known !== undefined && known.version > version) return known
    if (known !== undefined && known.version === version) {
      if (known.readAt.monotonicMs < read.readAt.monotonicMs) known.renew(read.readAt)
      return known
    }
    if (known !== undefined) this.#end(known)
    this.#tenants.set(tenant, read)
    for (const key of read.keys) this.#add(key)
    return read
  }

  /** Removes a tenant, unless the cached version is this one or newer. */
  drop(tenant: string, newVersion: number): void {
    const known = this.#tenants.get(tenant) ?? this.#evicted.get(tenant)
    if (known === undefined || known.version >= newVersion) return
    this.#tenants.delete(tenant)
    this.#evicted.delete(tenant)
    this.#end(known)
  }

  clear(): void {
    for (const cached of this.#tenants.values()) this.#end(cached)
    this.#tenants.clear()
    this.#endEvicted()
  }

  #noteRead(cached: CachedTenant): void {
    if (this.#justRead.size === 0) setImmediate(() => this.#endTurn())
    this.#justRead.add(cached)
  }

  #evict(cached: CachedTenant): void {
    if (this.#justRead.has(cached)) this.#evicted.set(cached.tenant, cached)
    else this.#end(cached)
  }

  /** Caches a tenant again that was evicted in this turn. */
  #reinstate(tenant: string): CachedTenant | undefined {
    const cached = this.#evicted.get(tenant)
    if (cached === undefined) return undefined
    this.#evicted.delete(tenant)
    this.#tenants.set(tenant, cached)
    return cached
  }

  #endTurn(): void {
    this.#justRead.clear()
    this.#endEvicted()
  }

  #endEvicted(): void {
    for (const cached of this.#evicted.values()) this.#end(cached)
    this.#evicted.clear()
  }

  #end(cached: CachedTenant): void {
    cached.end()
    for (const key of cached.keys) this.#remove(key)
  }

  #add(key: TenantKey): void {
    const mark = kidMark(key.kid)
    if (this.#keys.has(mark)) this.#collided.set(key.kid, key)
    else this.#keys.set(mark, key)
  }

  #remove(key: TenantKey): void {
    const mark = kidMark(key.kid)
    if (this.#keys.get(mark) === key) this.#keys.delete(mark)
    else this.#collided.delete(key.kid)
  }
}
