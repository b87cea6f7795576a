import { randomUUID } from 'node:crypto'

/** A row whose `runner` has a lease of the work until `runnerUntil`. */
interface Leased {
  readonly runner: string | null
  readonly runnerUntil: number
}

/** What `LeasedWork` does with the row and the work of one kind. */
export interface LeasedWorkParts<Row extends Leased, Work> {
  /** Returns the row of the work that is to be done, if there is any. */
  readonly find: () => Promise<Row | undefined>
  /** Claims the row for this runner and begins; `undefined` if there is nothing to claim. */
  readonly claim: (row: Row, runner: string) => Promise<Work | undefined>
  /** Whether the row is still that of this work. */
  readonly isOf: (row: Row, work: Work) => boolean
  /** Renews the lease and stores the progress. Returns whether the work goes on. */
  readonly follow: (work: Work, row: Row, runner: string) => Promise<boolean>
  /** Stops the work, and waits for its current step. */
  readonly end: (work: Work) => Promise<void>
  /** Ends the lease, so that another server can claim the row at once. */
  readonly release: (work: Work, runner: string) => Promise<void>
}

/** Claims and renewals hold for this time; another server may claim the row afterwards. */
export const leaseMs = 10_000

/**
 * Work for all servers of a database that one of them does. It claims a row by a lease, and another
 * one continues if it dies.
 */
export class LeasedWork<Row extends Leased, Work> {
  readonly #parts: LeasedWorkParts<Row, Work>
  readonly #runner = randomUUID()
  #current: Work | undefined
  #ticking: Promise<void> = Promise.resolve()

  constructor(parts: LeasedWorkParts<Row, Work>) {
    this.#parts = parts
  }

  /** Claims, follows or ends the work. Call it about every second. */
  tick(): Promise<void> {
    const ticked = this.#ticking.then(() => this.#tick())
    // A tick that failed must not block the next one.
    this.#ticking = ticked.catch(() => {})
    return ticked
  }

  /** Stops the work of this server after its current step, so that another one can claim it. */
  async close(): Promise<void> {
    await this.#ticking
    const current = this.#current
    this.#current = undefined
    if (current === undefined) return
    await this.#parts.end(current)
    await this.#parts.release(current, this.#runner).catch(() => {})
  }

  async #tick(): Promise<void> {
    const { find, claim, isOf, follow, end } = this.#parts
    const row = await find()
    if (this.#current === undefined) {
      if (row !== undefined) this.#current = await claim(row, this.#runner)
      return
    }
    const isOwn = row?.runner === this.#runner && isOf(row, this.#current)
    if (isOwn && (await follow(this.#current, row, this.#runner))) return
    // It is over or was stopped, or its lease has expired and another server has claimed it.
    await end(this.#current)
    this.#current = undefined
  }
}
