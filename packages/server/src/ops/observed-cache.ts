import type { SharedCache } from 'latchkey'
import type { Metrics } from './metrics.js'
import type { Tracing } from './tracing/tracing.js'

/** The same shared cache, whose time and hits are measured, and which is seen in traces. */
export function observedCache(
  cache: SharedCache,
  metrics: Pick<Metrics, 'cache' | 'cacheEntries'>,
  tracing: Tracing,
): SharedCache {
  const call = <T>(operation: 'read' | 'write', work: () => Promise<T>): Promise<T> => {
    const attributes = { 'db.system.name': 'redis', 'db.operation.name': operation }
    return tracing.within({ name: `latchkey.cache.${operation}`, isCall: true, attributes }, work)
  }
  return {
    ttlMs: cache.ttlMs,
    read: async (kids) => {
      const stop = metrics.cache.startTimer({ operation: 'read' })
      const found = await call('read', () => cache.read(kids))
      stop()
      metrics.cacheEntries.inc({ result: 'hit' }, found.size)
      metrics.cacheEntries.inc({ result: 'miss' }, kids.length - found.size)
      return found
    },
    write: async (entries) => {
      const stop = metrics.cache.startTimer({ operation: 'write' })
      await call('write', () => cache.write(entries))
      stop()
    },
    close: () => cache.close(),
  }
}
