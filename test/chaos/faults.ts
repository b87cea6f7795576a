import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { isLatchkeyError } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import type { Direction, TcpProxy } from '../support/tcp-proxy.js'
import { crashUntilIdsAreAssignedAgain, failOver, restoreBackup } from './failovers.js'
import { redisTimeoutMs } from './messages.js'
import type { Post, Site } from './site.js'

/** A fault of the site. */
export interface Fault {
  /** The posts that cannot read PostgreSQL during the fault; none by default. */
  readonly cutsOff?: 'every post' | 'its post'
  /** The time after the repair in which a post may still be cut off. */
  readonly settlingMs?: number
  /** Causes the fault, repairs it, and resolves after that. */
  readonly inject: (site: Site, post: Post) => Promise<void>
}

/** Faults of one component. They occur one at a time, in parallel to those of other groups. */
export interface FaultGroup {
  /** The pause after each of the faults. */
  readonly calmMs: number
  readonly faults: Readonly<Record<string, Fault>>
}

/** A statement on a half-open connection fails after 5 s. */
const halfOpenMs = 6000

/** Longer than the max staleness, so that cached data gets too old. */
const longerThanStaleness = (site: Site) => site.options.maxStalenessMs * 1.6

const processes: FaultGroup = {
  calmMs: 400,
  faults: {
    'process killed': {
      inject: async (_, post) => {
        await post.process.kill()
        await sleep(100)
        await post.restart()
      },
    },
    'process stopped, with tokens in hand': {
      cutsOff: 'its post',
      settlingMs: 1000,
      inject: async (site, post) => {
        post.process.pause()
        await sleep(longerThanStaleness(site))
        post.process.resume()
      },
    },
    'process stopped, with reads under way': {
      cutsOff: 'its post',
      // It may not run for a while after its connections were cut.
      settlingMs: 2000,
      inject: async (site, post) => {
        post.database.slowDown(100)
        await sleep(200)
        post.process.pause()
        await sleep(longerThanStaleness(site))
        post.process.resume()
        endDelay(post.database)
      },
    },
  },
}

/** Faults of the listening connection change only the speed: 503 is a violation. */
const network: FaultGroup = {
  calmMs: 400,
  faults: {
    'wake-ups cut': {
      inject: async (_, { wakeUps }) => {
        wakeUps.block()
        await sleep(50)
        wakeUps.unblock()
      },
    },
    'wake-ups half-open': {
      inject: async (site, { wakeUps }) => {
        wakeUps.freeze()
        await sleep(longerThanStaleness(site))
      },
    },
    'wake-ups delayed': {
      inject: (site, { wakeUps }) => slowFor(wakeUps, site.options.maxStalenessMs / 2, longerThanStaleness(site)),
    },
    'wake-ups lost, at every post': {
      inject: async ({ posts, options }) => {
        for (const { wakeUps } of posts) wakeUps.freeze('from the server')
        await sleep(options.maxStalenessMs)
        for (const { wakeUps } of posts) wakeUps.block()
        await sleep(options.maxStalenessMs)
        for (const { wakeUps } of posts) wakeUps.unblock()
      },
    },
    'PostgreSQL far away': {
      cutsOff: 'its post',
      settlingMs: 1000,
      inject: async (site, { database }) => {
        database.lengthen(20)
        await sleep(longerThanStaleness(site))
        database.block()
        database.lengthen(0)
        database.unblock()
      },
    },
    'reads delayed': {
      cutsOff: 'its post',
      settlingMs: 1000,
      inject: (site, { database }) =>
        slowFor(database, site.options.maxStalenessMs * 1.2, 2 * longerThanStaleness(site)),
    },
    'reads half-open': halfOpen(),
    'requests to PostgreSQL lost': halfOpen('to the server'),
    'answers of PostgreSQL lost': halfOpen('from the server'),
    'network to PostgreSQL cut': {
      cutsOff: 'its post',
      settlingMs: 1000,
      inject: async (site, { database, wakeUps }) => {
        for (const proxy of [database, wakeUps]) proxy.block()
        await sleep(longerThanStaleness(site))
        for (const proxy of [database, wakeUps]) proxy.unblock()
      },
    },
  },
}

/** Silences the existing connections of the statements. Wake-ups arrive, and new ones work. */
function halfOpen(direction?: Direction): Fault {
  return {
    cutsOff: 'its post',
    settlingMs: halfOpenMs,
    inject: async (site, { database }) => {
      database.freeze(direction)
      await sleep(longerThanStaleness(site))
    },
  }
}

const postgres: FaultGroup = {
  // Longer than in the other groups, because 503 is allowed in every process while PostgreSQL is
  // down.
  calmMs: 2500,
  faults: {
    'PostgreSQL restarted': {
      cutsOff: 'every post',
      settlingMs: 1000,
      inject: async (site) => {
        await site.postgres.stop()
        await site.postgres.start()
      },
    },
    'PostgreSQL crashed': {
      cutsOff: 'every post',
      settlingMs: 1000,
      inject: async (site) => {
        await site.postgres.crash()
        await site.postgres.start()
      },
    },
    'PostgreSQL crashed, and assigned transaction IDs again': {
      cutsOff: 'every post',
      settlingMs: 1000,
      inject: crashUntilIdsAreAssignedAgain,
    },
    // A statement that began at the old server may wait until it times out.
    'failover to a replica that lagged': { cutsOff: 'every post', settlingMs: halfOpenMs, inject: failOver },
    'backup restored': { cutsOff: 'every post', settlingMs: halfOpenMs, inject: restoreBackup },
  },
}

/** How far the clock of the pruning process is ahead. */
const aheadMs = 3_660_000

const redis: FaultGroup = {
  calmMs: 400,
  faults: {
    'log pruned by a clock that is ahead': {
      inject: async (site) => {
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
      inject: async (site) => {
        await site.redis?.kill()
        await sleep(300)
        await site.redis?.restart()
      },
    },
    'Redis emptied': { inject: (site) => command(site.redis?.url, (client) => client.flushall()) },
    'Redis set back to an old snapshot': {
      inject: async (site) => {
        await command(site.redis?.url, (client) => client.save())
        await sleep(longerThanStaleness(site))
        await site.redis?.kill()
        await site.redis?.restart()
      },
    },
    'Redis slow': {
      inject: async (site, post) => {
        if (post.redis !== undefined) await slowFor(post.redis, 2 * redisTimeoutMs, longerThanStaleness(site))
      },
    },
    'Redis frozen': {
      inject: async (site) => {
        site.redis?.freeze()
        await sleep(longerThanStaleness(site))
        site.redis?.thaw()
      },
    },
  },
}

/** Returns the groups of faults that are possible on this site. */
export function faultGroupsOf(site: Site): readonly FaultGroup[] {
  return site.redis === undefined ? [processes, network, postgres] : [processes, network, postgres, redis]
}

async function slowFor(proxy: TcpProxy, delayMs: number, durationMs: number): Promise<void> {
  proxy.slowDown(delayMs)
  await sleep(durationMs)
  endDelay(proxy)
}

/**
 * Ends the connections, because with a shorter delay later data would overtake earlier data, which
 * TCP does not allow.
 */
function endDelay(proxy: TcpProxy): void {
  proxy.block()
  proxy.slowDown(0)
  proxy.unblock()
}

async function command(url: string | undefined, order: (client: Redis) => Promise<unknown>): Promise<void> {
  if (url === undefined) return
  const client = new Redis(url)
  try {
    await order(client)
  } finally {
    client.disconnect()
  }
}
