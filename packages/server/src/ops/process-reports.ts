import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Clock, TenantSecrets } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'
import type { DeliverySummary, DeliveryTimes } from './delivery-times.js'
import type { Metrics } from './metrics.js'
import { type Counters, countersBy, RateMeter, type Refusals, readCounters, readRefusals } from './process-counters.js'

/** The state of one server process. */
export interface ProcessSample {
  /** The age of the last proof of freshness; `null` before the first one. */
  readonly feedAgeMs: number | null
  /** Events since the process started. */
  readonly totals: Counters
  /** Events per second. */
  readonly rates: Counters
  /** Refusals per second. */
  readonly refusals: Refusals
  readonly deliveries: DeliverySummary
}

/** A process that has reported its state. */
export interface ReportedProcess extends ProcessSample {
  readonly id: string
  /** The host and the process ID. */
  readonly name: string
  /** Whether it is the process that answers. */
  readonly isCurrent: boolean
  readonly startedAt: number
  /** The age of the report, by the clock of the database. */
  readonly seenMsAgo: number
}

export interface ProcessReportsParts {
  readonly store: SqlStore
  readonly keys: Pick<TenantSecrets, 'feedAgeMs'>
  readonly clock: Clock
  readonly metrics: Metrics
  readonly deliveries: DeliveryTimes
}

const reportIntervalMs = 2000
/** Interval of the question whether an administrator watches, through any process. */
const idleIntervalMs = 5000
/** A process that watches says so for this long. */
const watchMs = 15_000
/** Reports of this age are deleted. */
const forgottenMs = 60_000

/**
 * Exchanges the states of the processes of one database, while an administrator watches. Otherwise
 * each process only reads every 5 s whether one does, from a small table.
 */
export class ProcessReports {
  readonly #parts: ProcessReportsParts
  readonly #id = randomUUID()
  readonly #name = `${hostname()}:${process.pid}`
  readonly #startedAt: number
  readonly #reportMeters = createMeters()
  readonly #liveMeters = createMeters()
  #watchers = 0
  #isWatched = false
  #hasReported = false
  #reportedAtMs = Number.NEGATIVE_INFINITY
  #askedAtMs = Number.NEGATIVE_INFINITY
  #others: readonly ReportedProcess[] = []
  #verifiers: number | undefined

  constructor(parts: ProcessReportsParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
  }

  /** The number of verifiers, in servers and applications; `undefined` before it was read. */
  get verifiers(): number | undefined {
    return this.#verifiers
  }

  /** Begins to watch. Returns the function that ends it. */
  watch(): () => void {
    this.#watchers += 1
    this.#reportedAtMs = Number.NEGATIVE_INFINITY
    let isWatching = true
    return () => {
      if (isWatching) this.#watchers -= 1
      isWatching = false
      if (this.#watchers === 0) [this.#others, this.#verifiers] = [[], undefined]
    }
  }

  /** Returns this process as it is now, and the last reports of the others. Reads no database. */
  async processes(): Promise<readonly ReportedProcess[]> {
    const own = await this.#sample(this.#liveMeters)
    const current = { id: this.#id, name: this.#name, startedAt: this.#startedAt, isCurrent: true, seenMsAgo: 0 }
    return [{ ...current, ...own }, ...this.#others]
  }

  /** Does what is due. Called every second. */
  async tick(): Promise<void> {
    const now = this.#parts.clock.monotonic()
    const askEveryMs = this.#isWatched ? reportIntervalMs : idleIntervalMs
    if (this.#watchers === 0 && now - this.#askedAtMs >= askEveryMs) {
      this.#askedAtMs = now
      this.#isWatched = await this.#ask()
    }
    const isDue = now - this.#reportedAtMs >= reportIntervalMs
    if (!isDue || (this.#watchers === 0 && !this.#isWatched)) return
    this.#reportedAtMs = now
    await this.#report()
    if (this.#watchers > 0) await this.#readOthers()
  }

  /** Deletes the report of this process. */
  async close(): Promise<void> {
    if (this.#hasReported) await this.#parts.store.query('delete from server_processes where id = $1', [this.#id])
  }

  async #sample(meters: Meters): Promise<ProcessSample> {
    const { keys, clock, metrics, deliveries } = this.#parts
    const refused = await readRefusals(metrics)
    const totals = await readCounters(metrics, refused)
    const rates = meters.counters.rates(totals, clock.monotonic())
    const refusals = meters.refusals.rates(refused, clock.monotonic())
    const feedAgeMs = Number.isFinite(keys.feedAgeMs) ? Math.round(keys.feedAgeMs) : null
    return { feedAgeMs, totals, rates, refusals, deliveries: deliveries.summary() }
  }

  async #ask(): Promise<boolean> {
    const { rows } = await this.#parts.store.query(
      `select 1 from server_processes where watches_until > ${this.#nowMs} limit 1`,
    )
    return rows.length > 0
  }

  async #report(): Promise<void> {
    const sample = JSON.stringify(await this.#sample(this.#reportMeters))
    // A constant of the others, so that an update changes no indexed value, and no index.
    const watchesUntil = this.#watchers > 0 ? `${this.#nowMs} + ${watchMs}` : '0'
    this.#hasReported = true
    await this.#parts.store.query(
      `insert into server_processes (id, name, started_at, seen_at, watches_until, sample)
       values ($1, $2, $3, ${this.#nowMs}, ${watchesUntil}, $4)
       on conflict (id) do update
       set seen_at = excluded.seen_at, watches_until = excluded.watches_until, sample = excluded.sample`,
      [this.#id, this.#name, this.#startedAt, sample],
    )
  }

  async #readOthers(): Promise<void> {
    const { store } = this.#parts
    await store.query(`delete from server_processes where seen_at < ${this.#nowMs} - ${forgottenMs}`)
    const { rows } = await store.query<Record<'id' | 'name' | 'started_at' | 'age' | 'sample', string>>(
      `select id, name, started_at, ${this.#nowMs} - seen_at as age, sample
       from server_processes where id <> $1 order by started_at, id`,
      [this.#id],
    )
    this.#verifiers = (await store.verifiers()).length
    this.#others = rows.map(({ id, name, started_at: startedAt, age, sample }) => ({
      ...sampleOf(JSON.parse(sample)),
      id,
      name,
      isCurrent: false,
      startedAt: Number(startedAt),
      seenMsAgo: Math.max(0, Number(age)),
    }))
  }

  /**
   * The time of the database, the same for all rows of a statement, so that an index can be used.
   * SQLite has that of this machine.
   */
  get #nowMs(): string {
    return this.#parts.store.dialect === 'postgres'
      ? 'cast(extract(epoch from statement_timestamp()) * 1000 as bigint)'
      : String(Date.now())
  }
}

interface Meters {
  readonly counters: RateMeter<Counters>
  readonly refusals: RateMeter<Refusals>
}

function createMeters(): Meters {
  return { counters: new RateMeter(), refusals: new RateMeter() }
}

/** Returns the sample in a report. A process of another version may lack members. */
function sampleOf(reported: Partial<ProcessSample>): ProcessSample {
  const { feedAgeMs = null, totals, rates, refusals = {}, deliveries } = reported
  return {
    feedAgeMs,
    totals: countersBy((name) => totals?.[name] ?? 0),
    rates: countersBy((name) => rates?.[name] ?? 0),
    refusals,
    deliveries: deliveries ?? { count: 0, p50Ms: null, p99Ms: null },
  }
}
