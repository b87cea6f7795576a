import type { ChangeFeed, ChangeListener, WatchOptions } from '../../secrets/ports.js'
import type { SqliteConnection } from './sqlite-connection.js'

interface LogRow {
  readonly newest: number
  readonly seq: number | null
  readonly tenant_id: string | null
}

/** Tells what the change log holds, whenever `data_version` says that someone committed. */
export class SqliteFeed implements ChangeFeed {
  readonly #reader: SqliteConnection
  readonly #listener: ChangeListener
  readonly #options: WatchOptions
  readonly #timer: NodeJS.Timeout
  #dataVersion: number
  /** The change up to which everything was told. */
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
    // Taken first: what is committed after this moment may be missing from what is read below.
    const asOf = this.#options.instant()
    try {
      this.#catchUp()
    } catch {
      // Without this proof nobody believes anything for longer than before; the next check may read again.
      return
    }
    this.#listener.proved(asOf)
  }

  #catchUp(): void {
    const dataVersion = this.#readDataVersion()
    if (dataVersion === this.#dataVersion) return
    const log = this.#readLog(this.#position)
    const newest = log[0]?.newest ?? 0
    let told = 0
    for (const { seq, tenant_id } of log) {
      if (seq === null || tenant_id === null) continue
      this.#listener.changed({ tenant: tenant_id, version: seq })
      told += 1
    }
    // SQLite numbers changes without gaps, so whatever is missing was pruned before this feed came to it.
    if (told !== newest - this.#position) this.#listener.lost()
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
