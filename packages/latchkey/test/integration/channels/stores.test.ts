import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../../../test/support/start-redis.js'
import type { CacheMessage, StoreCall, StoreMessage } from '../../../src/channels.js'
import type { Traced } from '../../../src/observed-operation.js'
import { redisCache } from '../../../src/stores/redis/index.js'
import type { SqlStore } from '../../../src/stores/sql/sql-store.js'
import { emptyPostgres, emptySqlite } from '../../support/databases.js'
import { recordChannel, recordTrace } from '../../support/record-channel.js'
import { setUp } from '../../support/setup.js'

const databases = [
  ['sqlite', 'sqlite', emptySqlite],
  ['postgres', 'postgresql', emptyPostgres],
] as const

describe.each(databases)('the channel latchkey:store on %s', (_, system, empty) => {
  const open = async (): Promise<SqlStore> => {
    const database = await empty()
    onTestFinished(() => database.remove())
    const store = database.open()
    await store.migrate()
    return store
  }

  it('publishes each call with its outcome and how long it took', async () => {
    const store = await open()
    const { keys } = setUp({ store })
    await keys.provision('alice')
    const kid = (await keys.describe('alice'))?.secrets[0]?.kid ?? ''
    const messages = recordChannel<StoreMessage>('latchkey:store')
    await store.query('select 1')
    await store.transaction((client) => client.query('select 1'))
    await store.readByKid([kid])
    await store.readTenants(['alice'])
    await keys.rotate('alice')
    await store.query('select from nowhere').catch(() => {})
    const ofStore = messages.filter(({ source }) => source === store)
    expect(ofStore.map(({ operation, outcome }) => [operation, outcome])).toEqual([
      ['query', 'done'],
      ['transaction', 'done'],
      ['read_by_kid', 'done'],
      ['read_tenants', 'done'],
      ['change', 'done'],
      ['query', 'failed'],
    ])
    for (const message of messages) {
      expect(message.system).toBe(system)
      expect(message.durationMs).toBeGreaterThan(0)
    }
    await keys.close()
  })

  it('has a tracing channel, whose events of one call carry one message with the error', async () => {
    const store = await open()
    const trace = recordTrace<Traced<StoreCall>>('latchkey:store')
    await store.query('select from nowhere').catch(() => {})
    expect(trace.map(({ event }) => event)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(trace[0]?.message).toEqual({ source: store, system, operation: 'query', isAsync: false })
    expect(trace[2]?.message.error).toBeInstanceOf(Error)
  })
})

describe('the channel latchkey:cache', () => {
  it('publishes what Redis had, what it had not, and when it failed or was not asked', async () => {
    const redis = await startRedis()
    onTestFinished(() => redis.dispose())
    const cache = redisCache({ url: redis.url, timeout: 5000 })
    onTestFinished(() => cache.close())
    const entry = { kid: 'known', version: 1, value: 'sealed' }
    await expect
      .poll(async () => {
        await cache.write([entry])
        return (await cache.read(['known'])).size
      })
      .toBe(1)
    const messages = recordChannel<CacheMessage>('latchkey:cache')
    await cache.write([entry])
    await cache.read(['known', 'unknown', 'other'])
    await redis.kill()
    await expect.poll(async () => (await cache.read(['known'])).size).toBe(0)
    await cache.read(['known', 'unknown'])
    await cache.write([entry])
    const published = messages.map(({ operation, outcome, hits, misses }) => [operation, outcome, hits, misses])
    expect(published).toEqual([
      ['write', 'done', 0, 0],
      ['read', 'done', 1, 2],
      ['read', 'failed', 0, 1],
      ['read', 'skipped', 0, 2],
      ['write', 'skipped', 0, 0],
    ])
    expect(messages.every(({ source, system }) => source === cache && system === 'redis')).toBe(true)
  })
})
