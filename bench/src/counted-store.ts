import type { TenantStore } from 'latchkey'

/** A store that counts its reads. */
export interface CountedStore<Client> {
  readonly store: TenantStore<Client>
  /** Returns the number of read calls so far, however many tenants each of them reads. */
  readonly reads: () => number
}

/** Returns `store` with its reads of tenants counted. */
export function countReads<Client>(store: TenantStore<Client>): CountedStore<Client> {
  let reads = 0
  const counted = new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        if (name === 'readByKid' || name === 'readTenants') reads += 1
        return member.apply(target, args)
      }
    },
  })
  return { store: counted, reads: () => reads }
}
