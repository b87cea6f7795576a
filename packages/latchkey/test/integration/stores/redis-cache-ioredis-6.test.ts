import { Redis } from 'ioredis6'
import { expect, it, vi } from 'vitest'

// All tests of the file, with the next major version of the client.
vi.mock('ioredis', () => import('ioredis6'))
await import('./redis-cache.test.js')
const { createRedisClient } = await import('../../../src/stores/redis/redis-client.js')

it('is created with that version', () => {
  const { client, close } = createRedisClient({ url: 'redis://127.0.0.1:1' })
  close()
  expect(client).toBeInstanceOf(Redis)
})
