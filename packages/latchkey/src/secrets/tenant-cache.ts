import { BoundedMap } from '../bounded-map.js'
import type { CachedTenant, TenantKey } from './tenant-key.js'

/** The tenants this process knows (L1), bounded, found by ID or by the kid of a token. Whatever leaves it ends. */
export class TenantCache {
  readonly #tenants: BoundedMap<string, CachedTenant>
  readonly #keys = new Map<string, TenantKey>()

  constructor(maxTenants: number) {
    this.#tenants = new BoundedMap(maxTenants, (_, cached) => this.#end(cached))
  }

  get size(): number {
    return this.#tenants.size
  }

  find(tenant: string): CachedTenant | undefined {
    return this.#tenants.get(tenant)
  }

  /** The key with this kid. */
  findKey(kid: string): TenantKey | undefined {
    return this.#keys.get(kid)
  }

  /**
   * Keeps what was just read, and gives what is kept: the newer version wins, whatever order reads come back in (C6). The same
   * version again only renews the time of the read, so that verdicts which lean on it live on.
   */
  keep(read: CachedTenant): CachedTenant {
    const { tenant, version } = read
    const known = this.#tenants.get(tenant)
    if (known !== undefined && known.version > version) return known
    if (known !== undefined && known.version === version) {
      if (known.readAt.monotonicMs < read.readAt.monotonicMs) known.renew(read.readAt)
      return known
    }
    if (known !== undefined) this.#end(known)
    this.#tenants.set(tenant, read)
    for (const key of read.keys) this.#keys.set(key.kid, key)
    return read
  }

  /** Forgets a tenant, unless what is kept already is of this version or newer. */
  drop(tenant: string, newVersion: number): void {
    const known = this.#tenants.get(tenant)
    if (known === undefined || known.version >= newVersion) return
    this.#tenants.delete(tenant)
    this.#end(known)
  }

  /** Forgets everything. */
  clear(): void {
    for (const cached of this.#tenants.values()) this.#end(cached)
    this.#tenants.clear()
  }

  #end(cached: CachedTenant): void {
    cached.end()
    for (const key of cached.keys) this.#keys.delete(key.kid)
  }
}
