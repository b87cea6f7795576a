import { once } from 'node:events'
import { StartupFailure } from '../startup-failure.js'

const connectTimeoutMs = 5000

/**
 * Deletes the shared cache in Redis, because after a restore its entries may be newer than the
 * database. Throws `shared_cache_unavailable`.
 */
export async function emptySharedCache(url: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const client = new Redis(url, {
    connectTimeout: connectTimeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  client.on('error', () => {})
  try {
    if (client.status !== 'ready') await once(client, 'ready')
    const keys = client.scanStream({ match: 'latchkey:*', count: 1000 })
    for await (const found of keys) if (found.length > 0) await client.unlink(...(found as string[]))
  } catch (error) {
    const hint =
      'Make the Redis of REDIS_URL reachable. Or delete its "latchkey:*" keys and run this without REDIS_URL.'
    throw new StartupFailure('shared_cache_unavailable', 'The shared cache could not be emptied.', hint, error)
  } finally {
    client.disconnect()
  }
}
