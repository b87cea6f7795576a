import { type Sources, subscribeTo } from './library-channels.js'
import type { Metrics } from './metrics.js'

/**
 * Counts verifications, and calls of the store and of the shared cache, of these parts of the
 * library. Returns the function that stops it.
 */
export function observeLibrary(metrics: Metrics, sources: Sources): () => void {
  const { verifications, store, cache, cacheEntries } = metrics
  // Looked up once, because nearly every request counts a remembered token.
  const remembered = verifications.labels({ outcome: 'accepted', level: 'memory' })
  const stops = [
    subscribeTo('latchkey:verify', sources, ({ outcome, level }) => {
      if (level === 'remembered') remembered.inc()
      else verifications.inc({ outcome, level })
    }),
    subscribeTo('latchkey:store', sources, ({ operation, outcome, durationMs }) =>
      store.observe({ operation, outcome }, durationMs / 1000),
    ),
    subscribeTo('latchkey:cache', sources, ({ operation, durationMs, hits, misses }) => {
      cache.observe({ operation }, durationMs / 1000)
      if (operation !== 'read') return
      cacheEntries.inc({ result: 'hit' }, hits)
      cacheEntries.inc({ result: 'miss' }, misses)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
