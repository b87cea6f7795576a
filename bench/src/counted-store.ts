import type { TenantStore } from 'latchkey'

/** A store that counts what is read from it. */
export interface CountedStore<Client> {
  readonly store: TenantStore<Client>
  /** Reads of tenants so far, whatever the number of tenants in each. */
  readonly reads: () => number
}

/** `store` itself in all it does, and counted. */
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
