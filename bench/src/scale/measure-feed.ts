import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresStore } from 'latchkey/postgres'
import type { SqlStore } from 'latchkey/sql'
import { quantile } from '../statistics.js'

/** What so many listening processes do to the database, and how fast they hear. */
export interface FeedResult {
  readonly listeners: number
  /** Cores that PostgreSQL keeps busy although nothing changes: the proofs alone. */
  readonly idleCores: number
  /** Milliseconds since the last proof of each feed, whenever it is looked at while changes go on. */
  readonly feedAgeP99Ms: number
  readonly changesPerSecond: number
  /** From the moment when the change is acknowledged to a listener's call; 0 where the listener was first. */
  readonly heardP50Ms: number
  readonly heardP99Ms: number
  /** Deliveries within a second after the last change, of those that there should be. */
  readonly delivered: number
}

export interface FeedOptions {
  readonly url: string
  readonly listeners: number
  readonly durationMs: number
  /** As many as there can be of these at once. */
  readonly writers: number
}

type Feed = Awaited<ReturnType<SqlStore['watch']>>

const openedAtOnce = 20
/** A quarter of the default of `maxStaleness`, as `tenantSecrets` asks for. */
const intervalMs = 500
/** Of `/proc/<pid>/stat`, on every Linux that Node runs on. */
const ticksPerSecond = 100

/** Opens as many feeds as a deployment has processes, each with its connection and its proofs, and changes tenants beside. */
export async function measureFeed({ url, listeners, durationMs, writers }: FeedOptions): Promise<FeedResult> {
  const store = postgresStore({ connectionString: url, max: writers + 2 })
  const crowd = new Crowd(store)
  try {
    while (crowd.size < listeners) await crowd.grow(Math.min(openedAtOnce, listeners - crowd.size))
    await sleep(1000)
    const coresOf = await watchCores(store)
    await sleep(durationMs)
    const idleCores = coresOf()
    const changes = await makeChanges(store, { durationMs, writers, onTick: () => crowd.noteAges() })
    await sleep(1000)
    const delays = crowd.delays(changes)
    return {
      listeners,
      idleCores,
      feedAgeP99Ms: quantile(crowd.ages, 0.99),
      changesPerSecond: changes.size / (durationMs / 1000),
      heardP50Ms: quantile(delays, 0.5),
      heardP99Ms: quantile(delays, 0.99),
      delivered: delays.length / (changes.size * listeners),
    }
  } finally {
    await crowd.close()
    await store.close()
  }
}

/** Feeds of which each stands for a process. */
class Crowd {
  readonly ages: number[] = []
  readonly #store: SqlStore
  readonly #feeds: Feed[] = []
  readonly #provedAt: number[] = []
  readonly #heardAt = new Map<number, number[]>()

  constructor(store: SqlStore) {
    this.#store = store
  }

  get size(): number {
    return this.#feeds.length
  }

  async grow(count: number): Promise<void> {
    this.#feeds.push(...(await Promise.all(Array.from({ length: count }, () => this.#open()))))
  }

  noteAges(): void {
    const now = performance.now()
    for (const provedAt of this.#provedAt) this.ages.push(now - provedAt)
  }

  /** How much later than its acknowledgement each change was heard, by everybody who has heard of it. */
  delays(changes: ReadonlyMap<number, number>): readonly number[] {
    return [...changes].flatMap(([version, at]) =>
      (this.#heardAt.get(version) ?? []).map((heardAt) => Math.max(0, heardAt - at)),
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
          // The store that makes the changes tells its own feeds as well, before the database does.
          if (seen.has(version)) this.#note(version)
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

  #note(version: number): void {
    const times = this.#heardAt.get(version)
    if (times === undefined) this.#heardAt.set(version, [performance.now()])
    else times.push(performance.now())
  }
}

/** Changes as many tenants as can be; gives when the change of each version was acknowledged. */
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

/** Begins to watch the processes of the database server; gives a function that tells how many cores they kept busy since. */
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
    // It has ended meanwhile.
    return undefined
  }
}
