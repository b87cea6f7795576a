import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStore } from 'latchkey/postgres'
import pg from 'pg'
import type { PostgresServer } from '../support/start-postgres.js'
import { nowMs } from './clock.js'
import type { Post, Site } from './site.js'

/** A server that refuses every connection. */
const nowhere = 'postgres://127.0.0.1:1/'

/** The old primary continues at least for this time after the promotion. */
const overlapMs = 3000

const distanceMs = 30

/** Attempts until a crash loses transactions: a commit that waits for the disk writes them all. */
const maxCrashes = 8

/**
 * Crashes PostgreSQL until it has lost transactions that commit without waiting for the disk, so
 * that their IDs are assigned again.
 */
export async function crashUntilIdsAreAssignedAgain(site: Site): Promise<void> {
  for (let crashes = 0; crashes < maxCrashes; crashes += 1) {
    const before = await assignIds(site.databaseUrl, () => site.postgres.crash())
    await site.postgres.start()
    if ((await nextId(site.postgres, site.databaseUrl)) < before) return
  }
  throw new Error('PostgreSQL lost no transaction.')
}

/**
 * Promotes a replica without the last commits, while the old primary continues for a time longer
 * than `maxStaleness`. At first the new primary has all connections of most posts, new connections
 * and one half of the others of this post, and new connections alone of the post after it. Wake-ups
 * come from the old primary until it ends.
 */
export async function failOver(site: Site, post: Post): Promise<void> {
  const { posts, postgres: old, options } = site
  const oldUrl = site.databaseUrl
  const replica = await old.replicate()
  const url = site.urlOn(replica)
  const next = posts[(posts.indexOf(post) + 1) % posts.length]
  const from = nowMs()
  await replica.caughtUp()
  await replica.lag()
  await assignIds(oldUrl, () => sleep(options.maxStalenessMs))

  const leftAt = new Map<string, number>()
  const leave = ({ name }: Post) => leftAt.has(name) || leftAt.set(name, nowMs())
  const early = posts.filter((each) => each !== post && each !== next)
  for (const { database, wakeUps } of posts) for (const proxy of [database, wakeUps]) proxy.leadTo(url)
  for (const each of early) {
    each.database.block()
    leave(each)
  }
  const oldEpoch = await epochOf(old, oldUrl)
  await replica.promote()
  site.postgres = replica
  for (const each of early) each.database.unblock()
  if (next !== post) post.database.cutHalf()
  // Statements take long enough that several connections are in use at a time.
  post.database.lengthen(distanceMs)

  let newEpoch: string | undefined
  for (const each of [post, next]) {
    each?.database.silenceAfter((data) => {
      if (newEpoch !== undefined && data.includes(newEpoch)) leave(each)
      return undefined
    })
  }
  const endsAt = nowMs() + Math.max(options.maxStalenessMs * 1.6, overlapMs)
  while (nowMs() < endsAt) {
    const epoch = await epochOf(replica, url)
    if (epoch !== oldEpoch) newEpoch = epoch
    await sleep(newEpoch === undefined ? 5 : Math.max(0, endsAt - nowMs()))
  }
  await old.dispose()
  // Data that is sent later must not overtake data that is on its way.
  post.database.block()
  post.database.lengthen(0)
  post.database.unblock()
  for (const each of posts) {
    leave(each)
    each.database.silenceAfter(() => undefined)
  }
  await record(site, from, leftAt)
}

/**
 * Sets the database back to a backup, and calls `beginAfterRestore` before any process reads it.
 */
export async function restoreBackup(site: Site): Promise<void> {
  const { posts, options } = site
  const proxies = posts.flatMap(({ database, wakeUps }) => [database, wakeUps])
  const from = nowMs()
  const restore = await site.postgres.backUp()
  await assignIds(site.databaseUrl, () => sleep(options.maxStalenessMs))
  for (const proxy of proxies) {
    proxy.leadTo(nowhere)
    proxy.block()
  }
  const left = nowMs()
  await restore()
  await site.postgres.start()
  const store = postgresStore({ connectionString: site.databaseUrl })
  await store.beginAfterRestore()
  await store.close()
  for (const proxy of proxies) {
    proxy.leadTo(site.databaseUrl)
    proxy.unblock()
  }
  await record(site, from, new Map(posts.map(({ name }) => [name, left])))
}

async function record(site: Site, from: number, leftAt: ReadonlyMap<string, number>): Promise<void> {
  const until = nowMs()
  const kept = await site.changesSince(from)
  site.failovers.push({ from, until, leftAt: Object.fromEntries(leftAt), kept })
}

/**
 * Assigns very many transaction IDs during `work`, without waiting for the disk. Returns the last
 * one that another transaction could see.
 */
async function assignIds(url: string, work: () => Promise<void>): Promise<bigint> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  let last = 0n
  let isDone = false
  const assigning = (async () => {
    while (!isDone) {
      await client.query('do $$ begin for i in 1..20 loop perform txid_current(); commit; end loop; end $$')
      const { rows } = await client.query<{ id: string }>('select txid_snapshot_xmax(txid_current_snapshot()) as id')
      last = BigInt(rows[0]?.id ?? 0)
    }
  })().catch(() => {})
  await sleep(50)
  await work()
  isDone = true
  await assigning
  await client.end().catch(() => {})
  return last
}

async function nextId(server: PostgresServer, url: string): Promise<bigint> {
  const [row] = await server.run('select txid_snapshot_xmax(txid_current_snapshot()) as id', url)
  return BigInt(String(row?.id))
}

async function epochOf(server: PostgresServer, url: string): Promise<string> {
  const [row] = await server.run('select epoch from latchkey_history', url)
  return String(row?.epoch)
}
