import type { SharedCache } from 'latchkey'
import type { Metrics } from './metrics.js'

/** The same shared cache, whose time and hits are measured. */
export function observedCache(cache: SharedCache, metrics: Pick<Metrics, 'cache' | 'cacheEntries'>): SharedCache {
  return {
    ttlMs: cache.ttlMs,
    read: async (kids) => {
      const stop = metrics.cache.startTimer({ operation: 'read' })
      const found = await cache.read(kids)
      stop()
      metrics.cacheEntries.inc({ result: 'hit' }, found.size)
      metrics.cacheEntries.inc({ result: 'miss' }, kids.length - found.size)
      return found
    },
    write: async (entries) => {
      const stop = metrics.cache.startTimer({ operation: 'write' })
      await cache.write(entries)
      stop()
    },
    close: () => cache.close(),
  }
}
