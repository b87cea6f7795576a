import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Keyring } from 'latchkey'
import { postgresBinaries } from '../../../test/support/postgres-binaries.js'
import { startPostgres } from '../../../test/support/start-postgres.js'
import type { UndoList } from '../undo-list.js'
import { openRoute, type Route, type RouteName } from './feed-routes.js'
import { FeedWriter } from './feed-writer.js'
import { ListenerFleet } from './listener-fleet.js'
import { type FeedFigures, type FeedOptions, measureFeed } from './measure-feed.js'
import { postmasterOf, watchServerCpu } from './server-cpu.js'

/** The figures of one number of listening processes on one route. */
export interface FeedRow {
  readonly route: RouteName
  readonly processes: number
  /** Undefined when they could not be measured. */
  readonly figures: FeedFigures | undefined
  /** The reason, when there are no figures. */
  readonly failure: string | undefined
}

/** Options of `measureFeeds`. */
export interface FeedRowsOptions {
  /** The numbers of listening processes, in ascending order. */
  readonly counts: readonly number[]
  readonly isQuick: boolean
  readonly undo: UndoList
}

/** The default of `tenantSecrets`. */
export const maxStalenessMs = 2000

/** No row begins later than this after the start, so that the bench ends within twelve minutes. */
const longestMs = 9.5 * 60_000
/** The longest time for the key sources of one row to open. */
const openingMs = 90_000
/** A row that takes longer is given up: the feed no longer delivers. */
const rowMs = 150_000
const settleMs = 1500
/** The processes of the rows without notifications. */
const routeProcesses = 300
/** Memory for each simulated process: two connections in the server, and their other ends. */
const bytesPerProcess = 6e6

/** Measures the change feed with listening processes on one private PostgreSQL. */
export async function measureFeeds({ counts, isQuick, undo }: FeedRowsOptions): Promise<readonly FeedRow[]> {
  const most = Math.max(...counts, routeProcesses)
  const server = await startPostgres(postgresBinaries, [
    `max_connections=${2 * most + 200}`,
    'shared_buffers=256MB',
    'max_wal_size=2GB',
  ])
  undo.add(() => server.dispose())
  const rows = new FeedRows({ serverUrl: server.url, isQuick, undo })
  const fewer = [Math.min(routeProcesses, Math.max(...counts))]
  // First, so that rows of very many processes cannot take their time.
  const others = [...(await rows.measure('NOTIFY off', fewer)), ...(await rows.measure('PgBouncer', fewer))]
  return [...(await rows.measure('direct', counts)), ...others]
}

class FeedRows {
  readonly #serverUrl: string
  readonly #isQuick: boolean
  readonly #undo: UndoList
  readonly #startedAt = performance.now()

  constructor({ serverUrl, isQuick, undo }: { serverUrl: string; isQuick: boolean; undo: UndoList }) {
    this.#serverUrl = serverUrl
    this.#isQuick = isQuick
    this.#undo = undo
  }

  /** Measures one route with ever more processes, until one number of them fails. */
  async measure(name: RouteName, counts: readonly number[]): Promise<readonly FeedRow[]> {
    const rows: FeedRow[] = []
    let left = [...counts]
    let route: Route | undefined
    let bench: RouteBench | undefined
    try {
      route = await openRoute(this.#serverUrl, name, Math.max(...counts))
      const opened = route
      this.#undo.add(() => opened.dispose())
      bench = await RouteBench.open(route, await postmasterOf(this.#serverUrl), this.#undo)
      for (const processes of counts) {
        this.#checkLimits(processes - bench.size)
        const figures = await within(rowMs, bench.measure(processes, this.#isQuick))
        left = left.filter((count) => count !== processes)
        this.#report(rows, { route: name, processes, figures, failure: undefined })
      }
    } catch (error) {
      if (this.#undo.isInterrupted) throw error
      const failure = error instanceof Error ? error.message : String(error)
      for (const processes of left) {
        this.#report(rows, { route: name, processes, figures: undefined, failure })
      }
    } finally {
      await bench?.close()
      await route?.dispose()
    }
    return rows
  }

  #report(rows: FeedRow[], row: FeedRow): void {
    rows.push(row)
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    console.error(`${row.route}, ${row.processes} processes: ${row.failure ?? 'measured'} (${seconds} s)`)
  }

  #checkLimits(more: number): void {
    if (performance.now() - this.#startedAt > longestMs) throw new Error('Not measured: the time was over.')
    const available = availableBytes()
    if (more * bytesPerProcess > available) {
      throw new Error(`Not measured: the machine has ${Math.round(available / 1e9)} GB of memory left.`)
    }
  }
}

/** The simulated processes and the writer on one route. */
class RouteBench {
  readonly #route: Route
  readonly #postmaster: number
  readonly #fleet: ListenerFleet
  readonly #writer: FeedWriter

  private constructor(route: Route, postmaster: number, undo: UndoList) {
    const setup = { databaseUrl: route.url, masterKeys: Keyring.generate('bench'), maxStalenessMs }
    this.#route = route
    this.#postmaster = postmaster
    this.#fleet = new ListenerFleet(setup)
    undo.add(() => this.#fleet.kill())
    this.#writer = new FeedWriter(setup)
  }

  static async open(route: Route, postmaster: number, undo: UndoList): Promise<RouteBench> {
    const bench = new RouteBench(route, postmaster, undo)
    try {
      await bench.#writer.open()
      return bench
    } catch (error) {
      await bench.close()
      throw error
    }
  }

  get size(): number {
    return this.#fleet.size
  }

  async measure(processes: number, isQuick: boolean): Promise<FeedFigures> {
    await this.#fleet.grow(processes, openingMs)
    await sleep(settleMs)
    const { poolerPid } = this.#route
    return measureFeed({
      ...sizesFor(processes, isQuick),
      fleet: this.#fleet,
      writer: this.#writer,
      maxStalenessMs,
      watchServer: () => watchServerCpu(this.#postmaster),
      watchPooler: () => (poolerPid === undefined ? () => 0 : watchServerCpu(poolerPid)),
    })
  }

  async close(): Promise<void> {
    await this.#fleet.kill()
    await this.#writer.close()
  }
}

/** Returns the amount of work: a delivery to few processes adds few figures. */
function sizesFor(
  processes: number,
  isQuick: boolean,
): Pick<FeedOptions, 'idleMs' | 'revocations' | 'waits' | 'changesMs'> {
  if (isQuick) return { idleMs: 2000, revocations: processes < 100 ? 20 : 6, waits: 6, changesMs: 1500 }
  // Leases are renewed every ten seconds.
  return { idleMs: 10_000, revocations: processes < 100 ? 100 : 20, waits: 30, changesMs: 4000 }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  try {
    const late = sleep(ms, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`Not measured within ${ms / 1000} s.`)
    })
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

function availableBytes(): number {
  const [, kilobytes] = /^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
  return 1024 * Number(kilobytes ?? Number.POSITIVE_INFINITY)
}
