import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import type { SharedCache } from '../../../src/secrets/ports.js'
import { redisCache } from '../../../src/stores/redis/index.js'

let redis: RedisServer
let admin: Redis
let cache: SharedCache | undefined
let password: string

beforeAll(async () => {
  redis = await startRedis()
  admin = new Redis(redis.url)
})

beforeEach(async () => {
  password = 'old'
  await admin.acl('SETUSER', 'app', 'reset', 'on', '>old', '~*', '+@all')
})

afterEach(() => cache?.close())

afterAll(async () => {
  admin?.disconnect()
  await redis?.dispose()
})

const currentUrl = () => `${redis.url.replace('//', `//app:${password}@`)}`

/** Returns whether the cache keeps what it is given, which it does while it is connected. */
const keeps = async (opened: SharedCache) => {
  await opened.write([{ kid: 'kid', version: 1, value: 'value' }])
  return (await opened.read(['kid'])).has('kid')
}

describe.each([
  ['a function', currentUrl],
  ['an asynchronous function', async () => currentUrl()],
])('a Redis cache whose URL is %s', (_how, url) => {
  it('takes the password that was rotated at its next connection', async () => {
    const opened = redisCache({ url })
    cache = opened
    await expect.poll(() => keeps(opened)).toBe(true)
    password = 'new'
    await admin.acl('SETUSER', 'app', 'resetpass', '>new')
    // The connection that is open was not refused and goes on.
    expect(await keeps(opened)).toBe(true)
    await admin.client('KILL', 'USER', 'app')
    await expect.poll(() => keeps(opened)).toBe(true)
  })

  it('asks again after a refusal until the password is the right one', async () => {
    await admin.acl('SETUSER', 'app', 'resetpass', '>new')
    let reads = 0
    const counted = () => {
      reads += 1
      return url()
    }
    const opened = redisCache({ url: counted })
    cache = opened
    await expect.poll(() => reads).toBeGreaterThan(2)
    expect(await keeps(opened)).toBe(false)
    password = 'new'
    await expect.poll(() => keeps(opened)).toBe(true)
  })
})

it('a Redis cache whose URL cannot be read for a while serves once it can', async () => {
  let isThere = false
  const opened = redisCache({
    url: () => {
      if (!isThere) throw new Error('The file is being replaced.')
      return currentUrl()
    },
  })
  cache = opened
  expect(await keeps(opened)).toBe(false)
  isThere = true
  await expect.poll(() => keeps(opened)).toBe(true)
})
