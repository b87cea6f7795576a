import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { quantile } from '../statistics.js'

/** The load of many listening processes on the database, and how fast changes reach them. */
export interface FeedResult {
  readonly listeners: number
  /** Cores that PostgreSQL uses while nothing changes: the proofs alone. */
  readonly idleCores: number
  /** The age of the last proof of each feed, sampled while changes are made, in milliseconds. */
  readonly feedAgeP99Ms: number
  readonly changesPerSecond: number
  /** From the acknowledgement of a change to its delivery; 0 when the delivery came first. */
  readonly heardP50Ms: number
  readonly heardP99Ms: number
  /** The share of the expected deliveries that arrived within a second after the last change. */
  readonly delivered: number
}

export interface FeedOptions {
  readonly url: string
  readonly listeners: number
  readonly durationMs: number
  /** The number of concurrent writers. */
  readonly writers: number
}

type Feed = Awaited<ReturnType<SqlStore['watch']>>

const openedAtOnce = 20
/** A quarter of the default of `maxStaleness`, as in `tenantSecrets`. */
const intervalMs = 500
/** The clock ticks of `/proc/<pid>/stat`, the same on every Linux that Node supports. */
const ticksPerSecond = 100

/**
 * Opens one feed per simulated process, each with its connection and proofs, and changes tenants.
 */
export async function measureFeed({ url, listeners, durationMs, writers }: FeedOptions): Promise<FeedResult> {
  const store = postgresStore({ connectionString: url, max: writers + 2 })
  const feeds = new FeedGroup(store)
  try {
    while (feeds.size < listeners) await feeds.grow(Math.min(openedAtOnce, listeners - feeds.size))
    await sleep(1000)
    const coresOf = await watchCores(store)
    await sleep(durationMs)
    const idleCores = coresOf()
    const changes = await makeChanges(store, { durationMs, writers, onTick: () => feeds.recordAges() })
    await sleep(1000)
    const delays = feeds.delays(changes)
    return {
      listeners,
      idleCores,
      feedAgeP99Ms: quantile(feeds.ages, 0.99),
      changesPerSecond: changes.size / (durationMs / 1000),
      heardP50Ms: quantile(delays, 0.5),
      heardP99Ms: quantile(delays, 0.99),
      delivered: delays.length / (changes.size * listeners),
    }
  } finally {
    await feeds.close()
    await store.close()
  }
}

/** Feeds, each of which stands for one process. */
class FeedGroup {
  readonly ages: number[] = []
  readonly #store: SqlStore
  readonly #feeds: Feed[] = []
  readonly #provedAt: number[] = []
  readonly #receivedAt = new Map<number, number[]>()

  constructor(store: SqlStore) {
    this.#store = store
  }

  get size(): number {
    return this.#feeds.length
  }

  async grow(count: number): Promise<void> {
    this.#feeds.push(...(await Promise.all(Array.from({ length: count }, () => this.#open()))))
  }

  recordAges(): void {
    const now = performance.now()
    for (const provedAt of this.#provedAt) this.ages.push(now - provedAt)
  }

  /** Returns the delay of every delivery after the acknowledgement of its change. */
  delays(changes: ReadonlyMap<number, number>): readonly number[] {
    return [...changes].flatMap(([version, at]) =>
      (this.#receivedAt.get(version) ?? []).map((receivedAt) => Math.max(0, receivedAt - at)),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.close()))
  }

  #open(): Promise<Feed> {
    const place = this.#provedAt.push(performance.now()) - 1
    const seen = new Set<number>()
    return this.#store.watch(
      {
        changed: ({ version }) => {
          // The store that makes a change also notifies its own feeds, before the database does.
          if (seen.has(version)) this.#record(version)
          seen.add(version)
        },
        proved: ({ monotonicMs }) => {
          this.#provedAt[place] = monotonicMs
        },
        lost: () => {},
      },
      {
        verifierId: `process-${place}`,
        intervalMs,
        instant: () => ({ wallMs: Date.now(), monotonicMs: performance.now() }),
      },
    )
  }

  #record(version: number): void {
    const times = this.#receivedAt.get(version)
    if (times === undefined) this.#receivedAt.set(version, [performance.now()])
    else times.push(performance.now())
  }
}

/** Changes tenants as fast as possible. Resolves to the time of each acknowledgement by version. */
async function makeChanges(
  store: SqlStore,
  { durationMs, writers, onTick }: { durationMs: number; writers: number; onTick: () => void },
): Promise<ReadonlyMap<number, number>> {
  const acknowledged = new Map<number, number>()
  const endsAt = performance.now() + durationMs
  const ticking = setInterval(onTick, 100)
  const write = async (writer: number) => {
    const tenant = `writer-${writer}`
    while (performance.now() < endsAt) {
      const record = await store.change(tenant, () => ({
        disabledAt: Date.now(),
        secrets: [],
        endedSessions: [],
        grants: null,
      }))
      acknowledged.set(record?.version ?? 0, performance.now())
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  clearInterval(ticking)
  return acknowledged
}

/**
 * Starts to measure the processes of the database server.
 *
 * @returns A function that returns the cores that they have used since then.
 */
async function watchCores(store: SqlStore): Promise<() => number> {
  const { rows } = await store.query<{ pid: number }>('select pg_backend_pid() as pid')
  const server = statOf(String(rows[0]?.pid))?.parent ?? ''
  const busy = () =>
    readdirSync('/proc')
      .map(statOf)
      .reduce((sum, stat) => sum + (stat?.parent === server ? stat.ticks : 0), 0)
  const from = { ticks: busy(), at: performance.now() }
  return () => (busy() - from.ticks) / ticksPerSecond / ((performance.now() - from.at) / 1000)
}

function statOf(pid: string): { readonly parent: string; readonly ticks: number } | undefined {
  if (!/^\d+$/.test(pid)) return undefined
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return { parent: fields[1] ?? '', ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    // The process has exited meanwhile.
    return undefined
  }
}
