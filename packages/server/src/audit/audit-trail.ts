import type { Clock, StoredKey } from 'latchkey'
import type { SqlClient, SqlStore } from 'latchkey/sql'
import { uuidV7, uuidV7Floor } from '../uuid.js'
import { encodeDetail } from './audit-detail.js'
import type { AuditMac } from './audit-mac.js'
import { type AuditEntry, type AuditRecord, taggedColumns } from './audit-record.js'
import { AuditTally } from './audit-tally.js'

/** What `AuditTrail` works with. */
export interface AuditTrailOptions {
  readonly store: SqlStore
  readonly mac: StoredKey<AuditMac>
  /** Resolves once the key is known as it is now. */
  readonly ensureKeys: () => Promise<void> | undefined
  readonly clock: Clock
}

/** Which entries are wanted: those of which everything that is given holds. */
export interface AuditFilter {
  readonly account?: string | undefined
  readonly actor?: string | undefined
  readonly session?: string | undefined
  readonly address?: string | undefined
  readonly event?: string | undefined
  readonly outcome?: string | undefined
  /** Milliseconds since 1970: at this time or later. */
  readonly since?: number | undefined
  /** Milliseconds since 1970: before this time. */
  readonly until?: number | undefined
}

/** A page of the log: what came just before the entry `before`, newest first. */
export interface AuditQuery extends AuditFilter {
  readonly before: string | undefined
  readonly limit: number
}

const filterColumns = {
  account: 'account_id',
  actor: 'actor',
  session: 'session_id',
  address: 'address',
  event: 'event',
  outcome: 'outcome',
} as const satisfies Partial<Record<keyof AuditFilter, string>>

/** Counted entries that are written in one transaction. */
const batchSize = 250

/** What happened. Entries are only ever added; their places in the chain are given by `AuditChain` a moment later. */
export class AuditTrail {
  readonly #options: AuditTrailOptions
  readonly #tally = new AuditTally()
  /** Taken from the tally, and not written yet. */
  #due: AuditEntry[] = []
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: AuditTrailOptions) {
    this.#options = options
  }

  /** Adds an entry; in the caller's transaction, so that what happened and its record stand or fall together. */
  async append(client: SqlClient, entry: AuditEntry): Promise<void> {
    const { mac, clock, ensureKeys } = this.#options
    await ensureKeys()
    const at = clock.now()
    const { session = null, detail } = entry
    const record: AuditRecord = { ...entry, id: uuidV7(at), at, session, detail: encodeDetail(detail) }
    await client.query(
      `insert into server_audit (id, at, event, outcome, actor, account_id, session_id, address, detail, tag)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        record.id,
        at,
        record.event,
        record.outcome,
        record.actor,
        record.account,
        record.session,
        record.address,
        record.detail,
        mac.current.tagOf(record),
      ],
    )
  }

  /**
   * Adds an entry for something that can be repeated at any rate, such as a refusal: the first one of its kind, account, session and network at
   * once, those that follow it within ten minutes as one entry with their number. Its `detail` comes from few possible ones. What cannot be written now is counted.
   */
  async tally(entry: AuditEntry): Promise<void> {
    if (!this.#tally.isFirst(entry, this.#moment())) return
    try {
      await this.append(this.#options.store, entry)
    } catch {
      // The next flush writes it, or fails, and the operator is informed of that.
      this.#tally.count(entry, this.#moment())
    }
  }

  /** Writes what was counted in the windows that have ended; with `all`, in those that have not as well. */
  flush(which: 'ended' | 'all' = 'ended'): Promise<void> {
    const flushed = this.#flushing.then(() => this.#flush(which))
    // One that failed is not in the way of the next.
    this.#flushing = flushed.catch(() => {})
    return flushed
  }

  async #flush(which: 'ended' | 'all'): Promise<void> {
    await this.#writeDue()
    this.#due = this.#tally.take(which, this.#moment())
    await this.#writeDue()
  }

  async #writeDue(): Promise<void> {
    while (this.#due.length > 0) {
      const batch = this.#due.slice(0, batchSize)
      await this.#options.store.transaction(async (client) => {
        for (const entry of batch) await this.append(client, entry)
      })
      this.#due = this.#due.slice(batch.length)
    }
  }

  #moment() {
    const { clock } = this.#options
    return { now: clock.now(), monotonic: clock.monotonic() }
  }
}

/** Reads the log, newest first. */
export async function readAudit(client: SqlClient, query: AuditQuery): Promise<AuditRecord[]> {
  const values: unknown[] = []
  const bound = (value: unknown) => `$${values.push(value)}`
  const conditions = Object.entries(filterColumns).flatMap(([name, column]) => {
    const value = query[name as keyof typeof filterColumns]
    return value === undefined ? [] : [`${column} = ${bound(value)}`]
  })
  // IDs begin with the time, so that one index gives the order, the page and the period.
  if (query.before !== undefined) conditions.push(`id < ${bound(query.before)}`)
  if (query.since !== undefined) conditions.push(`id >= ${bound(uuidV7Floor(query.since))}`)
  if (query.until !== undefined) conditions.push(`id < ${bound(uuidV7Floor(query.until))}`)
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const { rows } = await client.query<AuditRecord & { tag: string }>(
    `select ${taggedColumns} from server_audit ${where} order by id desc limit ${bound(query.limit)}`,
    values,
  )
  return rows.map(({ tag, ...record }) => record)
}
