import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { isLatchkeyError } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { TcpProxy } from '../support/tcp-proxy.js'
import { redisTimeoutMs } from './messages.js'
import type { Post, Site } from './site.js'

/** Something that breaks. */
export interface Fault {
  /** Whom it keeps from reading PostgreSQL; nobody by default. */
  readonly cutsOff?: 'everybody' | 'its post'
  /** How long after it was mended somebody may still be cut off. */
  readonly settlingMs?: number
  /** Breaks it and mends it again, before it resolves. */
  readonly bringAbout: (site: Site, post: Post) => Promise<void>
}

/** Faults of one kind of thing: one at a time, while those of other buckets come and go. */
export interface Bucket {
  /** Quiet after each of its faults. */
  readonly calmMs: number
  readonly faults: Readonly<Record<string, Fault>>
}

/** A statement on a connection that is half open is given up after 5 s. */
const halfOpenMs = 6000

/** Longer than what is known may be believed. */
const longerThanBelief = (site: Site) => site.options.maxStalenessMs * 1.6

const processes: Bucket = {
  calmMs: 400,
  faults: {
    'process killed': {
      bringAbout: async (_, post) => {
        await post.process.kill()
        await sleep(100)
        await post.restart()
      },
    },
    'process stopped, with tokens in hand': {
      cutsOff: 'its post',
      settlingMs: 1000,
      bringAbout: async (site, post) => {
        post.process.pause()
        await sleep(longerThanBelief(site))
        post.process.resume()
      },
    },
    'process stopped, with reads under way': {
      cutsOff: 'its post',
      settlingMs: 1000,
      bringAbout: async (site, post) => {
        post.database.slowDown(100)
        await sleep(200)
        post.process.pause()
        await sleep(longerThanBelief(site))
        post.process.resume()
        endSlowness(post.database)
      },
    },
  },
}

const network: Bucket = {
  calmMs: 400,
  faults: {
    'feed cut': {
      bringAbout: async (_, { feed }) => {
        feed.block()
        await sleep(50)
        feed.unblock()
      },
    },
    'feed black-holed': {
      bringAbout: async (site, { feed }) => {
        feed.freeze()
        await sleep(longerThanBelief(site))
      },
    },
    'feed delayed': {
      bringAbout: (site, { feed }) => slowFor(feed, site.options.maxStalenessMs / 2, longerThanBelief(site)),
    },
    'network to PostgreSQL cut': {
      cutsOff: 'its post',
      settlingMs: 1000,
      bringAbout: async (site, { database, feed }) => {
        for (const way of [database, feed]) way.block()
        await sleep(longerThanBelief(site))
        for (const way of [database, feed]) way.unblock()
      },
    },
    'network to PostgreSQL black-holed': {
      cutsOff: 'its post',
      settlingMs: halfOpenMs,
      bringAbout: async (site, { database, feed }) => {
        for (const way of [database, feed]) way.freeze()
        await sleep(longerThanBelief(site))
      },
    },
  },
}

const postgres: Bucket = {
  // Longer than the others': while it is away nobody is asked to do without 503.
  calmMs: 2500,
  faults: {
    'PostgreSQL restarted': {
      cutsOff: 'everybody',
      settlingMs: 1000,
      bringAbout: async (site) => {
        await site.postgres.stop()
        await site.postgres.start()
      },
    },
    'PostgreSQL crashed': {
      cutsOff: 'everybody',
      settlingMs: 1000,
      bringAbout: async (site) => {
        await site.postgres.crash()
        await site.postgres.start()
      },
    },
  },
}

/** By how much the clock is ahead of whoever prunes. */
const aheadMs = 3_660_000

const redis: Bucket = {
  calmMs: 400,
  faults: {
    'log pruned by a clock that is ahead': {
      bringAbout: async (site) => {
        const store = postgresStore({ connectionString: site.databaseUrl })
        try {
          // An open transaction of the application keeps the horizon back meanwhile.
          await store.transaction(async (client) => {
            await client.query('select txid_current()')
            await store.prune({ now: Date.now() + aheadMs, keepMs: 0, changeLogMs: -aheadMs })
          })
        } catch (error) {
          // PostgreSQL may be away: then nothing is pruned this time.
          if (!isLatchkeyError(error)) throw error
        } finally {
          await store.close()
        }
      },
    },
    'Redis killed': {
      bringAbout: async (site) => {
        await site.redis?.kill()
        await sleep(300)
        await site.redis?.restart()
      },
    },
    'Redis emptied': { bringAbout: (site) => tell(site.redis?.url, (client) => client.flushall()) },
    'Redis set back to an old snapshot': {
      bringAbout: async (site) => {
        await tell(site.redis?.url, (client) => client.save())
        await sleep(longerThanBelief(site))
        await site.redis?.kill()
        await site.redis?.restart()
      },
    },
    'Redis slow': {
      bringAbout: async (site, post) => {
        if (post.redis !== undefined) await slowFor(post.redis, 2 * redisTimeoutMs, longerThanBelief(site))
      },
    },
    'Redis frozen': {
      bringAbout: async (site) => {
        site.redis?.freeze()
        await sleep(longerThanBelief(site))
        site.redis?.thaw()
      },
    },
  },
}

/** What can break on this site. */
export function lanesOf(site: Site): readonly Bucket[] {
  return site.redis === undefined ? [processes, network, postgres] : [processes, network, postgres, redis]
}

async function slowFor(way: TcpProxy, delayMs: number, durationMs: number): Promise<void> {
  way.slowDown(delayMs)
  await sleep(durationMs)
  endSlowness(way)
}

/** What is still on its way must not be overtaken by what comes after it, as TCP would not allow: those connections end. */
function endSlowness(way: TcpProxy): void {
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
