import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisCluster, startRedisCluster } from '../../../../../test/support/start-redis-cluster.js'
import { instantOf } from '../../../src/clock.js'
import type { SharedCache } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { redisCache } from '../../../src/stores/redis/index.js'
import { setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'

let servers: RedisCluster
let client: Cluster
let cache: SharedCache

beforeAll(async () => {
  servers = await startRedisCluster()
  client = new Cluster([...servers.urls])
  cache = redisCache({ client, timeout: 2000 })
})

afterAll(async () => {
  client?.disconnect()
  await servers?.dispose()
})

const entries = Array.from({ length: 50 }, (_, index) => ({ kid: `kid-${index}`, version: 7, value: `value ${index}` }))
const kids = entries.map(({ kid }) => kid)
const expected = new Map(entries.map(({ kid, value }) => [kid, value]))

describe('the Redis cache on a cluster', () => {
  it('spreads entries over its servers and returns them all', async () => {
    await cache.write(entries)
    expect(await cache.read(kids)).toEqual(expected)
    for (const url of servers.urls) {
      const server = new Redis(url)
      expect(await server.dbsize()).toBeGreaterThan(10)
      server.disconnect()
    }
  })

  it('never replaces a newer version with an older one (C6)', async () => {
    await cache.write(entries)
    await cache.write(entries.map((entry) => ({ ...entry, version: 6, value: 'older' })))
    expect(await cache.read(kids)).toEqual(expected)
  })

  it('saves a later process the reads of the store', async () => {
    const shared = memoryStore()
    const first = setUp({ store: shared, keys: { cache } })
    const tokens = await Promise.all(kids.map((subject) => first.latchkey.issue({ subject })))
    const reader = setUp({ store: shared, keys: { cache } })
    for (const { token } of tokens) await reader.latchkey.verify(token)
    const steered = steer(shared)
    const later = setUp({ store: steered.store, keys: { cache } })
    await later.keys.ready()
    steered.listeners[0]?.proved(instantOf(later.clock))
    const read = await Promise.all(tokens.map(({ token }) => later.latchkey.verify(token)))
    expect(read.map(({ subject }) => subject)).toEqual(kids)
    expect(steered.reads).toBe(0)
  })
})
