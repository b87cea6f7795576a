import { isLatchkeyError, LatchkeyError } from '../../errors.js'
import { performance } from '../../timers.js'
import type { Dialect } from './dialect.js'
import { libraryClient } from './library-client.js'
import type { SqlClient } from './sql-client.js'
import { runStatements, type Statements } from './statements.js'

/** SQL that identifies the server, and its timeline, on which the stored epoch began. */
export interface ServerMark {
  /** An SQL expression that names this server and its timeline. */
  readonly name: string
  /**
   * An SQL condition on `latchkey_history`: the stored epoch began on this server. False on a
   * replica.
   */
  readonly isHere: string
  /**
   * An SQL expression that notifies every verifier of the row `logged` when the transaction
   * commits; `null` where the server cannot.
   */
  readonly wake: string
}

/**
 * The cause of `store_unavailable` if a connection leads to a server whose history has ended, for
 * example an old primary.
 */
export class StaleServer extends Error {
  override readonly name = 'StaleServer'
}

/**
 * Returns whether a statement failed because its connection leads to a server whose history has
 * ended.
 */
export function isStaleServer(error: unknown): boolean {
  return isLatchkeyError(error) && error.cause instanceof StaleServer
}

/** More than the default size of a pool: each attempt removes one connection to a stale server. */
const maxAttempts = 12

/**
 * A history that was not read for so long may have been replaced by one with a smaller epoch, if
 * the clocks of the servers differ.
 */
const forgetAfterMs = 60_000

/** Checks the rows of a statement while its connection is still held. */
export type RowCheck = (rows: readonly object[]) => void

export interface HistoryOptions {
  /** Runs a statement. A connection on which `check` throws `StaleServer` is closed. */
  readonly query: <Row extends object>(
    text: string,
    values: readonly unknown[] | undefined,
    check: RowCheck,
  ) => Promise<{ rows: Row[] }>
  /**
   * Runs `work` in a transaction, again after a deadlock. A connection on which it throws
   * `StaleServer` is closed.
   */
  readonly transact: <T>(work: (client: SqlClient) => Promise<T>) => Promise<T>
  readonly dialect: Dialect
  readonly mark: ServerMark
  /** Begins a new epoch if the stored one began on another server. */
  readonly renew: () => Promise<void>
  /** Called when a newer history was read: all data read before belong to the older one. */
  readonly onNewer: () => void
}

/**
 * Runs statements whose result is used only if it comes from the newest history that this process
 * has read.
 *
 * A history is identified by an epoch: a number in `latchkey_history` that belongs to one server
 * and one timeline. After the promotion of a replica, or a restore to another server, the stored
 * epoch began elsewhere, and a greater one replaces it before any row is read. Each statement reads
 * the epoch together with its rows, because two connections of one pool may lead to two servers.
 */
export class History {
  readonly #options: HistoryOptions
  readonly #client: SqlClient
  #current: number | undefined
  #seenAtMs = 0
  #renewing: Promise<void> | undefined

  constructor(options: HistoryOptions) {
    const { query, dialect } = options
    const check = (rows: readonly object[]) => this.check(epochOf(rows))
    this.#options = options
    this.#client = libraryClient({ query: (text, values) => query(text, values, check) }, dialect)
  }

  /** The SQL that identifies the server. */
  get mark(): ServerMark {
    return this.#options.mark
  }

  /** An SQL expression that notifies every verifier of a new row of the log. */
  get wake(): string {
    return this.mark.wake
  }

  /**
   * An SQL expression for the epoch of the server that runs it; null if a new epoch must begin
   * first.
   */
  get epoch(): string {
    return `(select epoch from latchkey_history where ${this.mark.isHere})`
  }

  /** Runs a `select`. Returns its rows and the epoch under which they were read. */
  async read<Row extends object>(
    select: string,
    values?: readonly unknown[],
  ): Promise<{ history: number; rows: readonly Row[] }> {
    // The join returns a row even if the `select` returns none; its `found` is null then.
    const text = `select h.history, t.* from (select ${this.epoch} as history) h left join (select 1 as found, s.* from (${select}) s) t on true`
    const { history, rows } = await this.run<Row & { readonly found: number | null }>(text, values)
    return { history, rows: rows.filter(({ found }) => found !== null) }
  }

  /** Runs statements whose first row has the epoch in the column `history`. */
  async run<Row extends object>(
    statements: Statements,
    values?: readonly unknown[],
  ): Promise<{ history: number; rows: readonly Row[] }> {
    return this.retry(async () => {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const rows = await this.#rowsOf<Row>(statements, values)
        const history = epochOf(rows)
        if (history !== null) return { history, rows }
        await this.#renew()
      }
      throw new LatchkeyError('store_unavailable', { cause: new Error('No epoch of the history could begin.') })
    })
  }

  /**
   * Runs `work` again if its connection led to a stale server. Each attempt removes such a
   * connection.
   */
  async retry<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        if (!isStaleServer(error) || attempt >= maxAttempts) throw error
      }
    }
  }

  /**
   * Records the epoch that a connection has read. Throws `store_unavailable` with the cause
   * `StaleServer` if a greater epoch was read before.
   */
  check(epoch: number | null): void {
    if (epoch === null) return
    const nowMs = performance.now()
    const before = this.#current
    if (before !== undefined && epoch < before && nowMs - this.#seenAtMs <= forgetAfterMs) {
      const cause = new StaleServer(
        'This server is not the primary any more: its history was continued by another one.',
      )
      throw new LatchkeyError('store_unavailable', { cause })
    }
    this.#current = epoch
    this.#seenAtMs = nowMs
    if (before !== undefined && epoch !== before) this.#options.onNewer()
  }

  async #rowsOf<Row extends object>(
    statements: Statements,
    values: readonly unknown[] | undefined,
  ): Promise<readonly Row[]> {
    if (typeof statements === 'string') return (await this.#client.query<Row>(statements, values)).rows
    return this.#options.transact(async (client) => {
      const { rows } = await runStatements<Row>(client, statements, values)
      this.check(epochOf(rows))
      return rows
    })
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#options.renew().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }
}

/**
 * Begins a new epoch in the open transaction of `client` if the stored one began on another server;
 * with `always`, in any case.
 */
export async function renewEpoch(
  client: SqlClient,
  dialect: Dialect,
  { mark, always }: { readonly mark: ServerMark; readonly always: boolean },
): Promise<void> {
  const { rows } = await client.query<{ server: string; is_here: number | string }>(
    `select server, case when ${mark.isHere} then 1 else 0 end as is_here from latchkey_history ${dialect.forUpdate}`,
  )
  const [row] = rows
  if (row === undefined || (Number(row.is_here) === 1 && !always)) return
  await client.query(`update latchkey_history set epoch = ${dialect.nextEpoch}, server = ${mark.name}`)
  // The order of the logged changes belongs to another history.
  await client.query('delete from latchkey_changes')
  // The first epoch of a database follows no history.
  if (row.server !== '') for (const statement of dialect.raiseChanges) await client.query(statement)
  await client.query(`update latchkey_history set pruned_to = ${dialect.changesEnd}`)
}

/** Returns the epoch that a statement has read with its rows. */
export function epochOf(rows: readonly object[]): number | null {
  const [row] = rows as readonly { readonly history?: number | string | null }[]
  return row?.history === undefined || row.history === null ? null : Number(row.history)
}
