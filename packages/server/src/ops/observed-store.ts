import type { SqlStore } from 'latchkey/sql'
import type { Metrics } from './metrics.js'
import type { Tracing } from './tracing/tracing.js'

/** What of a store is measured, by the name that it has in the metrics. */
const operations = {
  query: 'query',
  transaction: 'transaction',
  change: 'change',
  readByKid: 'read_by_kid',
  readTenants: 'read_tenants',
} as const satisfies Partial<Record<keyof SqlStore, string>>

type Measured = keyof typeof operations

/** The same store, whose time is measured, and seen in traces. Everything else of it is as it is. */
export function observedStore(
  store: SqlStore,
  { store: durations }: Pick<Metrics, 'store'>,
  tracing: Tracing,
): SqlStore {
  const system = store.dialect === 'postgres' ? 'postgresql' : 'sqlite'
  const measure = async <T>(operation: Measured, work: () => Promise<T>): Promise<T> => {
    const stop = durations.startTimer({ operation: operations[operation] })
    try {
      const name = operations[operation]
      const attributes = { 'db.system.name': system, 'db.operation.name': name }
      const result = await tracing.within({ name: `latchkey.store.${name}`, isCall: true, attributes }, work)
      stop({ outcome: 'done' })
      return result
    } catch (error) {
      stop({ outcome: 'failed' })
      throw error
    }
  }
  const measured: Pick<SqlStore, Measured> = {
    query: (text, values) => measure('query', () => store.query(text, values)),
    transaction: (work) => measure('transaction', () => store.transaction(work)),
    change: (tenant, decide, client) => measure('change', () => store.change(tenant, decide, client)),
    readByKid: (kids) => measure('readByKid', () => store.readByKid(kids)),
    readTenants: (tenants) => measure('readTenants', () => store.readTenants(tenants)),
  }
  return new Proxy(store, {
    get: (target, name) => {
      if (isMeasured(name)) return measured[name]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function isMeasured(name: string | symbol): name is Measured {
  return Object.hasOwn(operations, name)
}
