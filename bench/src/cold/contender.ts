import { Redis } from 'ioredis'
import { createLatchkey, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { redisCache } from 'latchkey/redis'
import pg from 'pg'
import { countReads } from '../counted-store.js'
import { audience, issuer } from '../population.js'
import type { ColdPass, ColdResult, ColdTask, ContenderName } from './messages.js'

// The process of one contender: in each pass it looks up every tenant once, with a fixed number of
// look-ups in flight.

type Pass = () => Promise<ColdPass>

/** Connections to PostgreSQL of each contender: the default of both `pg` and `postgresStore`. */
const poolSize = 10

/** Long enough that reads on a busy machine are still answered by Redis, which is measured here. */
const redisTimeoutMs = 5000

const prepare: Readonly<Record<ContenderName, (task: ColdTask) => Promise<Pass>>> = {
  'Latchkey, from PostgreSQL': async (task) => () => verifyAll(task, undefined),
  'Latchkey, from Redis': async (task) => {
    const client = await connectRedis(task.redisUrl, false)
    return () => verifyAll(task, client)
  },
  'pg, a query each': async (task) => {
    const pool = new pg.Pool({ connectionString: task.databaseUrl, max: poolSize })
    return () => lookUpAll(task, (kid) => queryOne(pool, kid))
  },
  'ioredis, a get each': async (task) => getAll(task, await connectRedis(task.redisUrl, false)),
  'ioredis, a get each, auto pipelining': async (task) => getAll(task, await connectRedis(task.redisUrl, true)),
}

/**
 * Verifies all tokens with a new instance, which has connections of its own and an empty memory.
 */
async function verifyAll({ tokens, inFlight, ...task }: ColdTask, client: Redis | undefined): Promise<ColdPass> {
  const own = postgresStore({ connectionString: task.databaseUrl, max: poolSize })
  const { store, reads } = countReads(own)
  const cache = client === undefined ? undefined : redisCache({ client, timeout: redisTimeoutMs })
  const keys = tenantSecrets({ store, cache, masterKeys: task.masterKeys })
  const latchkey = createLatchkey({ issuer, audience, keys })
  await keys.ready()
  const pass = await measurePass(tokens, inFlight, (token) => latchkey.verify(token))
  await latchkey.close()
  await own.close()
  return { ...pass, storeReads: reads() }
}

function getAll(task: ColdTask, client: Redis): Pass {
  return () => lookUpAll(task, (kid) => client.get(`latchkey:${kid}`))
}

async function queryOne(pool: pg.Pool, kid: string): Promise<unknown> {
  const { rows } = await pool.query({
    name: 'secret',
    text: 'select tenant_id, algorithm, sealed from latchkey_secrets where kid = $1',
    values: [kid],
  })
  return rows[0]
}

function lookUpAll({ kids, inFlight }: ColdTask, lookUp: (kid: string) => Promise<unknown>): Promise<ColdPass> {
  return measurePass(kids, inFlight, async (kid) => {
    if (!(await lookUp(kid))) throw new Error('A tenant was not found.')
  })
}

async function measurePass(
  items: readonly string[],
  inFlight: number,
  operation: (item: string) => unknown,
): Promise<ColdPass> {
  const rest = items.values()
  const work = async () => {
    for (const item of rest) await operation(item)
  }
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  await Promise.all(Array.from({ length: inFlight }, work))
  const { user, system } = process.cpuUsage(cpuBefore)
  const perSecond = (items.length / (performance.now() - startedAt)) * 1000
  return { perSecond, cpuMicros: (user + system) / items.length, storeReads: 0 }
}

async function connectRedis(url: string, enableAutoPipelining: boolean): Promise<Redis> {
  const client = new Redis(url, { enableAutoPipelining })
  await client.ping()
  return client
}

async function perform(task: ColdTask): Promise<ColdResult> {
  const pass = await prepare[task.contender](task)
  const passes: ColdPass[] = []
  for (let count = 0; count < task.passes; count += 1) passes.push(await pass())
  return { passes }
}

process.once('message', async (task: ColdTask) => {
  const result = await perform(task)
  process.send?.(result, () => process.exit())
})
