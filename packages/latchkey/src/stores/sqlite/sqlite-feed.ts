import type { ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import type { SqliteConnection } from './sqlite-connection.js'

interface LogRow {
  readonly newest: number
  readonly seq: number | null
  readonly tenant_id: string | null
}

/** Delivers new rows of the change log whenever `data_version` shows a commit. */
export class SqliteFeed implements ChangeFeed {
  readonly #reader: SqliteConnection
  readonly #listener: ChangeListener
  readonly #options: WatchOptions
  readonly #timer: NodeJS.Timeout
  #dataVersion: number
  /** The number of the last change that was delivered. */
  #position: number

  constructor(reader: SqliteConnection, listener: ChangeListener, options: WatchOptions) {
    this.#reader = reader
    this.#listener = listener
    this.#options = options
    this.#dataVersion = this.#readDataVersion()
    this.#position = this.#readLog(Number.MAX_SAFE_INTEGER)[0]?.newest ?? 0
    this.#timer = setInterval(() => this.check(), options.intervalMs).unref()
    this.check()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
  }

  check(): void {
    // Read first: the log read below may lack a change that is committed after this moment.
    const asOf = this.#options.instant()
    try {
      this.#catchUp()
    } catch {
      // Freshness is not proved this time; the next check reads again.
      return
    }
    this.#listener.proved(asOf)
  }

  #catchUp(): void {
    const dataVersion = this.#readDataVersion()
    if (dataVersion === this.#dataVersion) return
    const log = this.#readLog(this.#position)
    const newest = log[0]?.newest ?? 0
    let delivered = 0
    for (const { seq, tenant_id } of log) {
      if (seq === null || tenant_id === null) continue
      this.#listener.changed({ tenant: tenant_id, version: seq })
      delivered += 1
    }
    // SQLite numbers changes without gaps, so a missing one was pruned before this feed read it.
    if (delivered !== newest - this.#position) this.#listener.lost()
    this.#position = newest
    this.#dataVersion = dataVersion
  }

  #readDataVersion(): number {
    const [row] = this.#reader.run<{ data_version: number }>('pragma data_version')
    return row?.data_version ?? Number.NaN
  }

  #readLog(after: number): readonly LogRow[] {
    return this.#reader.run<LogRow>(
      `select s.seq as newest, c.seq, c.tenant_id from sqlite_sequence s left join latchkey_changes c on c.seq > $1
       where s.name = 'latchkey_changes' order by c.seq`,
      [after],
    )
  }
}
