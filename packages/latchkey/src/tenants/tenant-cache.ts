import { BoundedMap } from '../bounded-map.js'
import { headerMark, kidMark } from '../secrets/canonical-header.js'
import type { CachedTenant, TenantKey } from './tenant-key.js'

/** The tenants this process knows (L1), bounded, found by ID or by the kid of a token. Whatever leaves it ends. */
export class TenantCache {
  readonly #tenants: BoundedMap<string, CachedTenant>
  /** By the mark of their header: numbers are found faster than texts, and there is nothing more to keep. */
  readonly #keys = new Map<number, TenantKey>()
  /** Keys whose mark another one has taken, by kid: of a million some hundreds. */
  readonly #crowdedOut = new Map<string, TenantKey>()
  /** Tenants that were read in this turn of the event loop. */
  readonly #justRead = new Set<CachedTenant>()
  /**
   * Those of them that had to make room again. They are known until the turn ends, and end with every change as the others do: verifications that waited for them go on in
   * this very turn, however many tenants came with the same read.
   */
  readonly #leaving = new Map<string, CachedTenant>()

  constructor(maxTenants: number) {
    this.#tenants = new BoundedMap(maxTenants, (_, cached) => this.#leave(cached))
  }

  get size(): number {
    return this.#tenants.size
  }

  find(tenant: string): CachedTenant | undefined {
    return this.#tenants.get(tenant)
  }

  /** The key whose tokens carry this very header; a few keys are found by their kid alone. */
  findByHeader(headerSegment: string): TenantKey | undefined {
    const likely = this.#keys.get(headerMark(headerSegment))
    return likely?.hasHeader(headerSegment) === true ? likely : undefined
  }

  /** The key with this kid. */
  findByKid(kid: string): TenantKey | undefined {
    const likely = this.#keys.get(kidMark(kid))
    return likely?.kid === kid ? likely : this.#crowdedOut.get(kid)
  }

  /**
   * Keeps what was just read, and gives what is kept: the newer version wins, whatever order reads come back in (C6). The same
   * version again only renews the time of the read, so that verdicts which lean on it live on.
   */
  keep(read: CachedTenant): CachedTenant {
    const { tenant, version } = read
    const known = this.#tenants.get(tenant) ?? this.#comeBack(tenant)
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

  /** Forgets a tenant, unless what is kept already is of this version or newer. */
  drop(tenant: string, newVersion: number): void {
    const known = this.#tenants.get(tenant) ?? this.#leaving.get(tenant)
    if (known === undefined || known.version >= newVersion) return
    this.#tenants.delete(tenant)
    this.#leaving.delete(tenant)
    this.#end(known)
  }

  /** Forgets everything. */
  clear(): void {
    for (const cached of this.#tenants.values()) this.#end(cached)
    this.#tenants.clear()
    this.#endLeaving()
  }

  #noteRead(cached: CachedTenant): void {
    if (this.#justRead.size === 0) setImmediate(() => this.#endTurn())
    this.#justRead.add(cached)
  }

  #leave(cached: CachedTenant): void {
    if (this.#justRead.has(cached)) this.#leaving.set(cached.tenant, cached)
    else this.#end(cached)
  }

  /** Takes back a tenant that has just made room. */
  #comeBack(tenant: string): CachedTenant | undefined {
    const cached = this.#leaving.get(tenant)
    if (cached === undefined) return undefined
    this.#leaving.delete(tenant)
    this.#tenants.set(tenant, cached)
    return cached
  }

  #endTurn(): void {
    this.#justRead.clear()
    this.#endLeaving()
  }

  #endLeaving(): void {
    for (const cached of this.#leaving.values()) this.#end(cached)
    this.#leaving.clear()
  }

  #end(cached: CachedTenant): void {
    cached.end()
    for (const key of cached.keys) this.#remove(key)
  }

  #add(key: TenantKey): void {
    const mark = kidMark(key.kid)
    if (this.#keys.has(mark)) this.#crowdedOut.set(key.kid, key)
    else this.#keys.set(mark, key)
  }

  #remove(key: TenantKey): void {
    const mark = kidMark(key.kid)
    if (this.#keys.get(mark) === key) this.#keys.delete(mark)
    else this.#crowdedOut.delete(key.kid)
  }
}
