import { systemClock } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/support/start-redis.js'
import { startTcpProxy, type TcpProxy } from '../../../../../test/support/tcp-proxy.js'
import { createTestDatabase, type TestDatabase } from '../../../../../test/support/test-database.js'
import { type Limit, type Limits, limitSettings } from '../../../src/config/limits.js'
import { serverMigrations } from '../../../src/database/migrations.js'
import { type CounterBackend, postgresCounters, redisCounters } from '../../../src/protection/counter-backend.js'
import { FallbackBreaker } from '../../../src/protection/fallback-breaker.js'
import { KeyedHash } from '../../../src/protection/keyed-hash.js'
import { type LimitedBy, RateLimits } from '../../../src/protection/rate-limits.js'

/** One of several processes that share their counters. */
interface Process {
  readonly limits: RateLimits
  /** The round trips to the shared counters, by the number of keys in each. */
  readonly batches: number[]
}

const defaults = Object.fromEntries(
  Object.entries(limitSettings).map(([name, setting]) => [name, setting.default]),
) as unknown as Limits
const windowSec = 60
const patientMs = 60_000

function startProcess(
  backend: CounterBackend,
  limit: Limit,
  { timeoutMs = patientMs }: { readonly timeoutMs?: number } = {},
): Process {
  const batches: number[] = []
  const counted: CounterBackend = {
    ...backend,
    add: (uses) => {
      batches.push(uses.length)
      return backend.add(uses)
    },
  }
  const limits = new RateLimits(
    { ...defaults, general: { account: limit, address: { requests: 1_000_000, windowSec } } },
    {
      names: new KeyedHash(new Uint8Array(32)),
      clock: systemClock,
      backend: counted,
      breaker: new FallbackBreaker(systemClock, { warn: () => {} }, timeoutMs),
    },
  )
  return { limits, batches }
}

async function isAdmitted({ limits }: Process, account: string): Promise<boolean> {
  const quotas = await limits.take('general', [of(account)])
  return quotas.every(({ exceeded }) => !exceeded)
}

const of = (account: string): LimitedBy => ({ scope: 'account', holder: [account] })

/** Sends requests one after another until five are refused; returns the number of admitted ones. */
async function useUp(process: Process, account: string): Promise<number> {
  let admitted = 0
  for (let refused = 0; refused < 5; ) {
    if (await isAdmitted(process, account)) admitted += 1
    else refused += 1
  }
  return admitted
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe.each(['PostgreSQL', 'Redis'] as const)('limits that are counted in memory and shared through %s', (place) => {
  let database: TestDatabase
  let store: SqlStore
  let redis: RedisServer
  let open: () => Promise<CounterBackend>
  const running: Process[] = []

  beforeAll(async () => {
    if (place === 'Redis') {
      redis = await startRedis()
      open = () => redisCounters({ url: redis.url })
    } else {
      database = await createTestDatabase()
      store = postgresStore({ connectionString: database.url })
      await store.migrate(serverMigrations)
      open = async () => postgresCounters(store)
    }
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ limits }) => limits.close()))
  })
  afterAll(async () => {
    await store?.close()
    await database?.drop()
    await redis?.dispose()
  })

  const start = async (limit: Limit, options = {}) => {
    const process = startProcess(await open(), limit, options)
    running.push(process)
    return process
  }

  it.each([
    { count: 4, requests: 40 },
    { count: 3, requests: 7 },
    { count: 2, requests: 200 },
  ])(
    'admit at most limit + N × limit / 10 requests in $count processes with the limit $requests',
    async ({ count, requests }) => {
      const processes = await Promise.all(Array.from({ length: count }, () => start({ requests, windowSec })))
      const atOnce = await Promise.all(processes.map((process) => useUp(process, `at once of ${requests}`)))
      const inTurn: number[] = []
      for (const process of processes) inTurn.push(await useUp(process, `in turn of ${requests}`))
      const crowd = await Promise.all(
        processes.flatMap((process) =>
          Array.from({ length: 2 * requests }, () => isAdmitted(process, `a crowd of ${requests}`)),
        ),
      )
      const bound = requests + count * Math.max(1, Math.floor(requests / 10))
      for (const admitted of [sum(atOnce), sum(inTurn), crowd.filter(Boolean).length]) {
        expect(admitted).toBeGreaterThanOrEqual(requests)
        expect(admitted).toBeLessThanOrEqual(bound)
      }
    },
  )

  it('admit exactly the limit in one process', async () => {
    for (const requests of [1, 9, 100]) {
      const process = await start({ requests, windowSec })
      expect(await useUp(process, `alone ${requests}`)).toBe(requests)
      const crowd = await Promise.all(
        Array.from({ length: 3 * requests }, () => isAdmitted(process, `a crowd ${requests}`)),
      )
      expect(crowd.filter(Boolean)).toHaveLength(requests)
    }
  })

  it('report all counters that have changed in one statement', async () => {
    const process = await start({ requests: 100, windowSec })
    for (let account = 0; account < 50; account += 1) {
      for (let request = 0; request < 5; request += 1) await isAdmitted(process, `account ${account}`)
    }
    // At most two, because one may be sent between the requests.
    await expect.poll(() => sum(process.batches)).toBeGreaterThanOrEqual(50)
    expect(process.batches.length).toBeLessThanOrEqual(2)
  })

  it('learn what other processes have admitted', async () => {
    const [one, other] = [await start({ requests: 100, windowSec }), await start({ requests: 100, windowSec })]
    expect(await useUp(one, 'shared')).toBe(100)
    // The first request of the other process is within its allowance, and its report has the total.
    await expect.poll(() => isAdmitted(other, 'shared')).toBe(false)
    const [quota] = await other.limits.take('general', [of('shared')])
    expect(quota).toMatchObject({ exceeded: true, remaining: 0 })
  })

  it('lose no count when a process stops', async () => {
    const stopping = startProcess(await open(), { requests: 100, windowSec })
    for (let request = 0; request < 7; request += 1) await isAdmitted(stopping, 'of a stopped process')
    expect(stopping.batches).toEqual([])
    await stopping.limits.close()
    const next = await start({ requests: 100, windowSec })
    expect(await useUp(next, 'of a stopped process')).toBe(93)
  })
})

describe('limits that are counted in memory while the shared counters are unavailable', () => {
  let redis: RedisServer
  let proxy: TcpProxy

  beforeAll(async () => {
    redis = await startRedis()
    proxy = await startTcpProxy(redis.url)
  })
  afterAll(async () => {
    await proxy.close()
    await redis.dispose()
  })

  it('hold in each process, and its counts are reported later', async () => {
    const limit = { requests: 20, windowSec }
    const process = startProcess(await redisCounters({ url: proxy.url }), limit, { timeoutMs: 2000 })
    expect(await isAdmitted(process, 'at first')).toBe(true)
    proxy.block()
    expect(await useUp(process, 'meanwhile')).toBe(20)
    expect(process.limits.degraded).toBe(true)
    proxy.unblock()
    const observer = startProcess(await redisCounters({ url: redis.url }), limit)
    await expect.poll(() => isAdmitted(observer, 'meanwhile')).toBe(false)
    await process.limits.close()
    await observer.limits.close()
  })
})
