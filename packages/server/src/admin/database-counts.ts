import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SqlStore } from 'latchkey/sql'
import type { Core } from '../core.js'

/** The numbers of accounts and sessions. */
export interface Counts {
  readonly accounts: { readonly total: number; readonly admins: number; readonly disabled: number }
  readonly liveSessions: number
}

/** Counts, and when they were begun, in milliseconds since 1970. */
export interface DatedCounts extends Counts {
  readonly countedAt: number
}

/** Tables with fewer rows are counted at each call. */
const maxRowsEachTime = 2000

/** Rows that one statement counts; SQLite works on the event loop, for about 2 ms of these. */
const stepRows = { postgres: 50_000, sqlite: maxRowsEachTime } as const satisfies Record<SqlStore['dialect'], number>

/** Counts of this age are returned while a new count runs. */
const freshMs = 60_000
/** Counts of this age are not returned: the call waits for a new count. */
const maxAgeMs = 3_600_000

/**
 * Counts accounts and sessions. Two tables with fewer than 2,000 rows are counted at each call.
 * Larger ones are counted step by step, which takes about a second for a million rows, and the
 * result is kept: a call returns it at once, and begins a new count if it is older than a minute.
 * Only the first call, and one after an hour without any, waits.
 */
export class DatabaseCounts {
  readonly #core: Pick<Core, 'store' | 'clock'>
  #last: { readonly counts: DatedCounts; readonly atMs: number } | undefined
  #counting: Promise<DatedCounts> | undefined

  constructor(core: Pick<Core, 'store' | 'clock'>) {
    this.#core = core
  }

  async read(): Promise<DatedCounts> {
    const { store, clock } = this.#core
    if (!(await isLarge(store))) return this.#count()
    const last = this.#last
    const ageMs = last === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - last.atMs
    if (last === undefined || !(ageMs < maxAgeMs)) return this.#count()
    // A failure of the database is that of the next call as well.
    if (!(ageMs < freshMs)) this.#count().catch(() => {})
    return last.counts
  }

  /** Counts everything. Concurrent calls share one count. */
  #count(): Promise<DatedCounts> {
    this.#counting ??= this.#countAll().finally(() => {
      this.#counting = undefined
    })
    return this.#counting
  }

  async #countAll(): Promise<DatedCounts> {
    const { store, clock } = this.#core
    const [atMs, countedAt] = [clock.monotonic(), clock.now()]
    const {
      total = 0,
      admins = 0,
      disabled = 0,
    } = await sumSteps(store, {
      table: 'server_accounts',
      sums: "count(*) as total, count(case when role = 'admin' then 1 end) as admins, count(disabled_at) as disabled",
    })
    const { live = 0 } = await sumSteps(store, {
      table: 'server_sessions',
      sums: 'count(case when ended_at is null and expires_at > $3 then 1 end) as live',
      value: countedAt,
    })
    const counts = { accounts: { total, admins, disabled }, liveSessions: live, countedAt }
    this.#last = { counts, atMs }
    return counts
  }
}

async function isLarge(store: SqlStore): Promise<boolean> {
  const { rows } = await store.query(
    `select 1 from (select 1 from server_accounts limit 1 offset ${maxRowsEachTime}) as accounts
     union all select 1 from (select 1 from server_sessions limit 1 offset ${maxRowsEachTime}) as sessions`,
  )
  return rows.length > 0
}

interface Summed {
  readonly table: string
  /** Aggregates with names. `$3` is `value`. */
  readonly sums: string
  readonly value?: number
}

/** Adds up the aggregates of all rows, a range of IDs at a time. */
async function sumSteps(store: SqlStore, { table, sums, value }: Summed): Promise<Record<string, number>> {
  const totals: Record<string, number> = {}
  for (let from = ''; ; await nextTurn()) {
    const { rows: ends } = await store.query<{ id: string }>(
      `select id from ${table} where id > $1 order by id limit 1 offset ${stepRows[store.dialect] - 1}`,
      [from],
    )
    const end = ends[0]?.id
    const { rows } = await store.query<Record<string, number | string>>(
      `select ${sums} from ${table} where id > $1 and id <= $2`,
      value === undefined ? [from, end ?? lastId] : [from, end ?? lastId, value],
    )
    for (const [name, sum] of Object.entries(rows[0] ?? {})) totals[name] = (totals[name] ?? 0) + Number(sum)
    if (end === undefined) return totals
    from = end
  }
}

/** Greater than every ID, which is a UUID in lower case, in every collation. */
const lastId = 'z'
