import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import { systemClock } from '../../../src/clock.js'
import { createLatchkey } from '../../../src/latchkey.js'
import type { SharedCache } from '../../../src/secrets/ports.js'
import { memoryStore } from '../../../src/stores/memory/index.js'
import { redisCache } from '../../../src/stores/redis/index.js'
import { tenantSecrets } from '../../../src/tenant-secrets/tenant-secrets.js'
import { masterKeys } from '../../support/setup.js'

let redis: RedisServer
let admin: Redis
const opened: SharedCache[] = []

beforeAll(async () => {
  redis = await startRedis()
  admin = new Redis(redis.url)
})

afterEach(async () => {
  for (const cache of opened.splice(0)) await cache.close()
})

afterAll(async () => {
  admin?.disconnect()
  await redis?.dispose()
})

async function open(options: { ttl?: number; timeout?: number; prefix?: string } = {}): Promise<SharedCache> {
  const cache = redisCache({ url: redis.url, timeout: 200, ...options })
  opened.push(cache)
  // The first connection is opened in the background: until then every read is a miss.
  await expect.poll(() => isConnected(cache)).toBe(true)
  return cache
}

async function isConnected(cache: SharedCache): Promise<boolean> {
  await cache.write([{ kid: 'connected', version: 1, value: 'yes' }])
  return (await cache.read(['connected'])).size === 1
}

const valueIn = async (cache: SharedCache, kid: string) => (await cache.read([kid])).get(kid)

describe('the Redis cache', () => {
  it('stores and returns values, many at a time, whatever they contain', async () => {
    const cache = await open()
    const entries = Array.from({ length: 500 }, (_, index) => ({
      kid: `kid-${index}`,
      version: index,
      value: `v ${index}: é`,
    }))
    await cache.write(entries)
    const found = await cache.read([...entries.map(({ kid }) => kid), 'absent'])
    expect(found.size).toBe(500)
    for (const { kid, value } of entries) expect(found.get(kid)).toBe(value)
    expect(await cache.read([])).toEqual(new Map())
  })

  it('never replaces a newer version with an older one, whatever the order of writes (C6)', async () => {
    const [one, other] = [await open(), await open()]
    await one.write([{ kid: 'order', version: 7, value: 'new' }])
    await other.write([{ kid: 'order', version: 6, value: 'old' }])
    expect(await valueIn(one, 'order')).toBe('new')
    await other.write([{ kid: 'order', version: 7, value: 'same version' }])
    expect(await valueIn(one, 'order')).toBe('same version')
    await Promise.all(
      Array.from({ length: 50 }, (_, version) =>
        (version % 2 ? one : other).write([{ kid: 'race', version, value: `${version}` }]),
      ),
    )
    expect(await valueIn(one, 'race')).toBe('49')
    await one.write([{ kid: 'end', version: Number.MAX_SAFE_INTEGER, value: 'ended' }])
    await other.write([{ kid: 'end', version: 8, value: 'back' }])
    expect(await valueIn(one, 'end')).toBe('ended')
  })

  it('expires entries, not all at once', async () => {
    const cache = await open({ ttl: 100, prefix: 'ttl:' })
    await cache.write(Array.from({ length: 50 }, (_, index) => ({ kid: `${index}`, version: 1, value: 'v' })))
    const ttls = await Promise.all(Array.from({ length: 50 }, (_, index) => admin.pttl(`ttl:${index}`)))
    expect(Math.max(...ttls)).toBeLessThanOrEqual(100_000)
    expect(Math.min(...ttls)).toBeGreaterThan(85_000)
    expect(new Set(ttls).size).toBeGreaterThan(20)
  })

  it('separates applications by their prefix', async () => {
    const [one, other] = [await open({ prefix: 'one:' }), await open({ prefix: 'other:' })]
    await one.write([{ kid: 'k', version: 1, value: 'of one' }])
    expect(await valueIn(other, 'k')).toBeUndefined()
  })

  it('treats values of other programs as misses', async () => {
    const cache = await open()
    await admin.set('latchkey:odd', 'no version')
    await admin.lpush('latchkey:list', 'x')
    await cache.write([{ kid: 'odd', version: 1, value: 'v' }])
    expect((await cache.read(['list'])).size).toBe(0)
  })
})

describe('a Redis in trouble', () => {
  it('costs one timeout while it hangs, and then nothing for a while', async () => {
    const cache = await open({ timeout: 60 })
    await cache.write([{ kid: 'slow', version: 1, value: 'v' }])
    redis.freeze()
    try {
      const began = performance.now()
      expect(await valueIn(cache, 'slow')).toBeUndefined()
      expect(performance.now() - began).toBeGreaterThanOrEqual(55)
      // A skipped read is over before the next turn of the event loop.
      const waits = () =>
        Promise.race([
          cache.read(['slow']).then(() => false),
          new Promise<boolean>((resolve) => setImmediate(resolve, true)),
        ])
      const waited: boolean[] = []
      for (let count = 0; count < 200; count += 1) waited.push(await waits())
      // On a slow machine the pause may end meanwhile, and one read probes.
      expect(waited.filter(Boolean).length).toBeLessThanOrEqual(2)
    } finally {
      redis.thaw()
    }
    await expect.poll(() => valueIn(cache, 'slow'), { interval: 250 }).toBe('v')
  })

  it('causes misses after it was killed, and is used again after it restarts', async () => {
    const cache = await open()
    await redis.kill()
    expect(await valueIn(cache, 'gone')).toBeUndefined()
    await cache.write([{ kid: 'gone', version: 1, value: 'v' }])
    await redis.restart()
    const writeAndRead = async () => {
      await cache.write([{ kid: 'back', version: 1, value: 'v' }])
      return valueIn(cache, 'back')
    }
    await expect.poll(writeAndRead, { interval: 250 }).toBe('v')
  })

  it('changes no result: two processes over one store work while it hangs, crashes and is emptied', async () => {
    const store = memoryStore()
    const start = () => {
      const cache = redisCache({ url: redis.url, timeout: 50, prefix: 'trouble:' })
      opened.push(cache)
      const keys = tenantSecrets({ store, masterKeys, cache, clock: systemClock })
      return { keys, latchkey: createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys }) }
    }
    const [one, other] = [start(), start()]
    try {
      for (const trouble of ['none', 'hanging', 'killed', 'emptied']) {
        if (trouble === 'hanging') redis.freeze()
        if (trouble === 'killed') await redis.kill()
        if (trouble === 'emptied') await redis.restart()
        const { token } = await one.latchkey.issue({ subject: trouble })
        expect(await other.latchkey.verify(token)).toMatchObject({ subject: trouble })
        await one.keys.revoke(trouble)
        await expect(async () => other.latchkey.verify(token)).rejects.toMatchObject({ code: 'token_revoked' })
        if (trouble === 'hanging') redis.thaw()
      }
    } finally {
      await one.keys.close()
      await other.keys.close()
    }
  })
})

describe('wrong options', () => {
  it('are refused', () => {
    expect(() => redisCache({})).toThrow(TypeError)
    expect(() => redisCache({ url: redis.url, client: admin })).toThrow(TypeError)
    expect(() => redisCache({ url: redis.url, ttl: 0 })).toThrow(TypeError)
    expect(() => redisCache({ url: redis.url, timeout: 0.5 })).toThrow(TypeError)
  })
})
