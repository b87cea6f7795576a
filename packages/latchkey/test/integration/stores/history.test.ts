import { Redis } from 'ioredis'
import pg from 'pg'
import { beforeEach, describe, expect, it } from 'vitest'
import { type PostgresReplica, type PostgresServer, startPostgres } from '../../../../../test/support/start-postgres.js'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import { systemClock } from '../../../src/clock.js'
import type { Clock } from '../../../src/index.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { postgresStore } from '../../../src/stores/postgres/index.js'
import { redisCache } from '../../../src/stores/redis/index.js'
import { tenantSecrets } from '../../../src/tenant-secrets/tenant-secrets.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { masterKeys, outcomeOf } from '../../support/setup.js'

const maxStaleness = 1000

/** Longer than a verifier may use its data, and detect that it is stale. */
const longEnough = () => new Promise((resolve) => setTimeout(resolve, maxStaleness + 100))

let primary: PostgresServer
let redis: RedisServer
const cleanUps = cleanUpsOfEachTest()

beforeEach(async () => {
  primary = await startPostgres()
  redis = await startRedis()
  cleanUps.push(
    () => primary.dispose(),
    () => redis.dispose(),
  )
  const store = postgresStore({ connectionString: primary.url })
  await store.migrate()
  await store.close()
})

interface ProcessOptions {
  readonly url: string
  readonly feedUrl?: string
  readonly pool?: pg.Pool
  readonly clock?: Clock
  readonly withRedis?: boolean
}

/** One process of an application, ready to verify. */
async function start({ url, feedUrl = url, pool, clock = systemClock, withRedis = true }: ProcessOptions) {
  const ways = pool === undefined ? { connectionString: url } : { pool }
  const store = postgresStore({ ...ways, listenConnectionString: feedUrl })
  const cache = withRedis ? redisCache({ url: redis.url, timeout: 1000 }) : undefined
  const keys = tenantSecrets({ store, cache, masterKeys, maxStaleness, clock })
  const latchkey = createLatchkey({ issuer: 'https://issuer.test', audience: 'test', keys, clock })
  const close = async () => {
    await latchkey.close()
    await store.close()
    await cache?.close()
  }
  cleanUps.push(close)
  await keys.ready()
  const outcome = async (token: string) => {
    const answer = await outcomeOf(() => latchkey.verify(token))
    return typeof answer === 'object' ? 'accepted' : answer
  }
  return { store, keys, latchkey, outcome, close }
}

/** Resolves once Redis has entries for this number of kids. */
async function untilCached(count: number) {
  const client = new Redis(redis.url)
  while ((await client.dbsize()) < count) await new Promise((resolve) => setTimeout(resolve, 10))
  client.disconnect()
}

const tokenFor = async ({ latchkey }: Awaited<ReturnType<typeof start>>, subject: string) =>
  (await latchkey.issue({ subject })).token

async function replicate(): Promise<PostgresReplica> {
  const replica = await primary.replicate()
  cleanUps.push(() => replica.dispose())
  return replica
}

async function query(url: string, text: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

describe('a replica that lagged and was promoted', () => {
  /**
   * Alice is in Redis as the old primary had her last, with a version and a low-water mark that the
   * replica has not reached.
   */
  async function failOver() {
    const replica = await replicate()
    const old = await start({ url: primary.url })
    const token = await tokenFor(old, 'alice')
    await replica.caughtUp()
    await replica.lag()
    for (let changes = 0; changes < 5; changes += 1) await old.keys.rotate('alice')
    await start({ url: primary.url }).then((other) => other.outcome(token))
    await untilCached(1)
    return { replica, old, token }
  }

  it('revokes for good, although Redis holds entries of the lost history', async () => {
    const { replica, old, token } = await failOver()
    await old.close()
    await primary.stop()
    await replica.promote()
    const writer = await start({ url: replica.url })
    expect(await writer.outcome(token)).toBe('accepted')
    await writer.keys.revoke('alice', { everywhere: true })
    const fresh = await start({ url: replica.url })
    for (const process of [writer, fresh]) {
      expect(await process.outcome(token)).toBe('token_revoked')
      await longEnough()
      expect(await process.outcome(token)).toBe('token_revoked')
    }
  })

  it('revokes for good also if the revocation is its first statement, and its row of the log is pruned', async () => {
    const { replica, old, token } = await failOver()
    await old.close()
    await primary.stop()
    await replica.promote()
    const store = postgresStore({ connectionString: replica.url })
    cleanUps.push(() => store.close())
    await store.change('alice', () => ({
      disabledAt: null,
      revokedAt: null,
      forgottenUntil: null,
      secrets: [],
      endedSessions: [],
      grants: null,
    }))
    const fresh = await start({ url: replica.url })
    expect((await store.changesSince(Date.now())).changes).toEqual([])
    await expect.poll(() => fresh.keys.feedAgeMs).toBeLessThan(maxStaleness)
    expect(await fresh.outcome(token)).toBe('token_revoked')
  })

  it('has its own history from the first statement on, and two replicas of one primary have two', async () => {
    const [one, two] = [await replicate(), await replicate()]
    const { store } = await start({ url: primary.url })
    const { history } = await store.lowWaterMark()
    for (const replica of [one, two]) {
      await replica.caughtUp()
      await replica.promote()
    }
    const histories = await Promise.all(
      [one, two].map(async ({ url }) => (await (await start({ url })).store.lowWaterMark()).history),
    )
    expect(new Set([history, ...histories]).size).toBe(3)
    for (const later of histories) expect(later).toBeGreaterThan(history)
    await one.stop()
    await one.start()
    const again = await start({ url: one.url })
    expect((await again.store.lowWaterMark()).history).toBe(histories[0])
  })

  it('is followed by a running process, which drops its cache and no longer uses the old primary', async () => {
    const { replica, token } = await failOver()
    await replica.promote()
    // The old primary is not fenced: open connections lead to it, and later ones to the replica.
    const pool = new pg.Pool({ connectionString: primary.url, max: 4 })
    cleanUps.push(() => pool.end())
    const process = await start({ url: primary.url, pool })
    expect(await process.outcome(token)).toBe('accepted')
    const [stale, ...others] = await Promise.all(Array.from({ length: 4 }, () => pool.connect()))
    pool.options.connectionString = replica.url
    const writer = await start({ url: replica.url })
    await writer.keys.revoke('alice')
    for (const connection of others) connection.release(true)
    // A new connection shows the process the new primary; then it finds one to the old primary.
    await process.store.lowWaterMark()
    const idle = await Promise.all(Array.from({ length: 3 }, () => pool.connect()))
    stale?.release()
    const outcome = await process.outcome(token)
    for (const connection of idle) connection.release()
    expect(outcome).toBe('token_revoked')
    expect((await process.store.lowWaterMark()).history).toBe((await writer.store.lowWaterMark()).history)
  })
})

describe('a process that is woken by an old primary that was not fenced', () => {
  it('accepts no stale token for longer than maxStaleness once its statements go to the new one', async () => {
    const replica = await replicate()
    const pool = new pg.Pool({ connectionString: primary.url })
    cleanUps.push(() => pool.end())
    pool.on('error', () => {})
    const process = await start({ url: primary.url, pool, feedUrl: primary.url, withRedis: false })
    const token = await tokenFor(process, 'alice')
    await replica.caughtUp()
    await replica.promote()
    pool.options.connectionString = replica.url
    await query(
      primary.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'latchkey_feed' and pid <> pg_backend_pid() and backend_type = 'client backend'",
    )
    const writer = await start({ url: replica.url, withRedis: false })
    await writer.keys.revoke('alice', { everywhere: true })
    expect(await process.outcome(token)).toBe('token_revoked')
    await longEnough()
    expect(await process.outcome(token)).toBe('token_revoked')
    await expect.poll(() => process.keys.feedAgeMs).toBeLessThan(maxStaleness)
  })
})

describe('a process that did not find a secret at an old primary that was not fenced', () => {
  it('finds it at the new one', async () => {
    const replica = await replicate()
    const pool = new pg.Pool({ connectionString: primary.url })
    cleanUps.push(() => pool.end())
    pool.on('error', () => {})
    const process = await start({ url: primary.url, pool, withRedis: false })
    await tokenFor(process, 'alice')
    await replica.caughtUp()
    await replica.promote()
    const token = await tokenFor(await start({ url: replica.url, withRedis: false }), 'bob')
    expect(await process.outcome(token)).toBe('token_revoked')
    pool.options.connectionString = replica.url
    await primary.stop()
    await expect.poll(() => process.outcome(token)).toBe('accepted')
  })
})

describe('a database that was restored from a dump to another server', () => {
  it('has another history, also without a call of beginAfterRestore', async () => {
    const old = await start({ url: primary.url })
    const token = await tokenFor(old, 'alice')
    await old.outcome(token)
    const { history } = await old.store.lowWaterMark()
    // Restores the dump: new tables with the same rows, on a server with another system identifier.
    const rows = await query(primary.url, 'select epoch, server from latchkey_history')
    const restored = await startPostgres()
    cleanUps.push(() => restored.dispose())
    const store = postgresStore({ connectionString: restored.url })
    await store.migrate()
    await query(restored.url, `update latchkey_history set epoch = ${rows[0]?.epoch}, server = '${rows[0]?.server}'`)
    expect((await store.lowWaterMark()).history).toBeGreaterThan(history)
    expect((await store.changesSince(Date.now())).changes).toEqual([])
    await store.close()
  })
})

describe('pruning', () => {
  it('leaves no gap in the log for a new process, with a clock that is ahead and a slow transaction', async () => {
    const writer = await start({ url: primary.url })
    await writer.keys.provision('slow')
    await writer.keys.provision('other')
    const token = await tokenFor(writer, 'alice')
    const slow = new pg.Client({ connectionString: primary.url })
    await slow.connect()
    await slow.query('begin')
    await writer.keys.revoke('slow', { client: slow })
    const reader = await start({ url: primary.url })
    expect(await reader.outcome(token)).toBe('accepted')
    await untilCached(1)
    await writer.keys.revoke('alice', { everywhere: true })
    await writer.keys.revoke('other')
    const ahead: Clock = { ...systemClock, now: () => Date.now() + 3_660_000 }
    const pruner = await start({ url: primary.url, clock: ahead })
    await pruner.keys.prune()
    // A database whose own clock is ahead prunes the same rows.
    await pruner.store.prune({ now: ahead.now(), keepMs: 0, changeLogMs: -3_660_000 })
    await slow.query('commit')
    await slow.end()
    const fresh = await start({ url: primary.url })
    expect(await fresh.outcome(token)).toBe('token_revoked')
    await longEnough()
    expect(await fresh.outcome(token)).toBe('token_revoked')
  })

  it('deletes neither an ended session nor a retired secret because of one clock that is ahead', async () => {
    const writer = await start({ url: primary.url, withRedis: false })
    const { token, sessionId } = await writer.latchkey.issue({ subject: 'alice' })
    await writer.keys.revokeSession('alice', sessionId)
    await writer.keys.rotate('alice')
    const before = await writer.keys.describe('alice')
    const ahead: Clock = { ...systemClock, now: () => Date.now() + 400 * 86_400_000 }
    const pruner = await start({ url: primary.url, clock: ahead, withRedis: false })
    await pruner.keys.prune()
    expect(await writer.keys.describe('alice')).toEqual(before)
    const fresh = await start({ url: primary.url, withRedis: false })
    expect(await fresh.outcome(token)).toBe('session_ended')
  })
})
