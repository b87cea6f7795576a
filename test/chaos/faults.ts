import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { isLatchkeyError } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { TcpProxy } from '../support/tcp-proxy.js'
import { redisTimeoutMs } from './messages.js'
import type { Post, Site } from './site.js'

/** A fault of the site. */
export interface Fault {
  /** The posts that cannot read PostgreSQL during the fault; none by default. */
  readonly cutsOff?: 'everybody' | 'its post'
  /** The time after the repair in which a post may still be cut off. */
  readonly settlingMs?: number
  /** Causes the fault, repairs it, and resolves after that. */
  readonly bringAbout: (site: Site, post: Post) => Promise<void>
}

/** Faults of one component. They occur one at a time, in parallel to those of other groups. */
export interface Bucket {
  /** The pause after each of the faults. */
  readonly calmMs: number
  readonly faults: Readonly<Record<string, Fault>>
}

/** A statement on a half-open connection fails after 5 s. */
const halfOpenMs = 6000

/** Longer than the max staleness, so that cached data gets too old. */
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
  // Longer than in the other groups, because 503 is allowed in every process while PostgreSQL is
  // down.
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

/** How far the clock of the pruning process is ahead. */
const aheadMs = 3_660_000

const redis: Bucket = {
  calmMs: 400,
  faults: {
    'log pruned by a clock that is ahead': {
      bringAbout: async (site) => {
        const store = postgresStore({ connectionString: site.databaseUrl })
        try {
          // An open transaction of the application holds the low-water mark back meanwhile.
          await store.transaction(async (client) => {
            await client.query('select txid_current()')
            await store.prune({ now: Date.now() + aheadMs, keepMs: 0, changeLogMs: -aheadMs })
          })
        } catch (error) {
          // PostgreSQL may be unavailable, and then nothing is pruned this time.
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

/** Returns the groups of faults that are possible on this site. */
export function lanesOf(site: Site): readonly Bucket[] {
  return site.redis === undefined ? [processes, network, postgres] : [processes, network, postgres, redis]
}

async function slowFor(way: TcpProxy, delayMs: number, durationMs: number): Promise<void> {
  way.slowDown(delayMs)
  await sleep(durationMs)
  endSlowness(way)
}

/**
 * Ends the connections, because with a shorter delay later data would overtake earlier data, which
 * TCP does not allow.
 */
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
