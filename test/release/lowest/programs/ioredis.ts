import { memoryStore } from 'latchkey/memory'
import { createRedisClient, redisCache } from 'latchkey/redis'
import { outcomeOf } from '../stored.js'

export const peer = 'ioredis'
export async function outcome(): Promise<unknown[]> {
  const url = process.env.REDIS_URL ?? ''
  const { client, close } = createRedisClient({ url })
  await new Promise((resolve) => client.once('ready', resolve))
  // A cache that has not connected yet stores nothing.
  const cache = redisCache({ client, timeout: 5000 })
  const found = await outcomeOf(memoryStore(), cache)
  const isCached = (await client.dbsize()) > 0
  await cache.close()
  close()
  return [...found, isCached ? 'cached' : 'not cached']
}
