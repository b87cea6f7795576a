import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { TcpProxy } from '../support/tcp-proxy.js'
import type { Post, Site } from './site.js'

/** Breaks something and mends it again, before it resolves. */
type Fault = (site: Site, post: Post) => Promise<void>

/** How long a fault lasts: longer than what is known may be believed. */
const longerThanBelief = (site: Site) => site.options.maxStalenessMs * 1.6

/** Faults that need no Redis. */
const common: Readonly<Record<string, Fault>> = {
  'process killed': async (_, post) => {
    await post.process.kill()
    await sleep(100)
    await post.restart()
  },
  'process stopped, with tokens in hand': async (site, post) => {
    post.process.pause()
    await sleep(longerThanBelief(site))
    post.process.resume()
  },
  'PostgreSQL restarted': async ({ postgres }) => {
    await postgres.stop()
    await postgres.start()
  },
  'PostgreSQL crashed': async ({ postgres }) => {
    await postgres.crash()
    await postgres.start()
  },
  'feed cut': async (_, { feed }) => {
    feed.block()
    await sleep(50)
    feed.unblock()
  },
  'feed black-holed': async (site, { feed }) => {
    feed.freeze()
    await sleep(longerThanBelief(site))
  },
  'feed delayed': async (site, { feed }) => slowFor(feed, site.options.maxStalenessMs / 2, longerThanBelief(site)),
  'network to PostgreSQL cut': async (site, { database, feed }) => {
    for (const way of [database, feed]) way.block()
    await sleep(longerThanBelief(site))
    for (const way of [database, feed]) way.unblock()
  },
}

const ofRedis: Readonly<Record<string, Fault>> = {
  'Redis killed': async ({ redis }) => {
    await redis?.kill()
    await sleep(300)
    await redis?.restart()
  },
  'Redis emptied': ({ redis }) => tell(redis?.url, (client) => client.flushall()),
  'Redis set back to an old snapshot': async (site) => {
    await tell(site.redis?.url, (client) => client.save())
    await sleep(longerThanBelief(site))
    await site.redis?.kill()
    await site.redis?.restart()
  },
  'Redis slow': async (site, { redis }) => {
    if (redis !== undefined) await slowFor(redis, 200, longerThanBelief(site))
  },
  'Redis frozen': async (site) => {
    site.redis?.freeze()
    await sleep(longerThanBelief(site))
    site.redis?.thaw()
  },
}

/** The faults that this site can have, by name. */
export function faultsOf(site: Site): ReadonlyMap<string, Fault> {
  return new Map(Object.entries(site.redis === undefined ? common : { ...common, ...ofRedis }))
}

async function slowFor(way: TcpProxy, delayMs: number, durationMs: number): Promise<void> {
  way.slowDown(delayMs)
  await sleep(durationMs)
  // What is still on its way must not be overtaken by what comes after it, as TCP would not allow: those connections end.
  way.block()
  way.slowDown(0)
  way.unblock()
}

async function tell(url: string | undefined, order: (client: Redis) => Promise<unknown>): Promise<void> {
  if (url === undefined) return
  const client = new Redis(url)
  try {
    await order(client)
  } finally {
    client.disconnect()
  }
}
