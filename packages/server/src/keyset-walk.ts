import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from 'latchkey'
import type { SqlStore } from 'latchkey/sql'

/** Part of a list whose pages continue after a key. */
export interface WalkedPage<T> {
  readonly items: readonly T[]
  /** The key after which the list continues; `undefined` at its end. */
  readonly next: string | undefined
}

/** One step of a walk: the rows up to a key that match. */
export interface WalkStep<T> {
  readonly items: readonly T[]
  /** The key of the last row that was read; `undefined` if none is left. */
  readonly end: string | undefined
}

/**
 * Rows that one step reads. SQLite works on the event loop, so that its steps must be short: about
 * two milliseconds each.
 */
export const stepRows = { postgres: 2500, sqlite: 500 } as const satisfies Record<SqlStore['dialect'], number>

/** The longest walk for one page, in milliseconds. */
const walkMs = 80

/**
 * Reads rows in the order of their keys, step by step, and keeps those that match: for conditions
 * that no index serves. Other work of the process runs between two steps.
 */
export class KeysetWalk<T extends { readonly id: string }> {
  readonly #step: (after: string | undefined) => Promise<WalkStep<T>>
  readonly #limit: number
  readonly #items: T[] = []
  #position: string | undefined
  #isAtEnd = false
  #steps = 0

  /** `limit`: the number of items of a page. */
  constructor(start: string | undefined, limit: number, step: (after: string | undefined) => Promise<WalkStep<T>>) {
    this.#position = start
    this.#limit = limit
    this.#step = step
  }

  /** The steps that were taken. */
  get steps(): number {
    return this.#steps
  }

  /** The number of items that were found, at most one more than the limit. */
  get found(): number {
    return this.#items.length
  }

  /** The key after which the next step continues. */
  get position(): string | undefined {
    return this.#position
  }

  /** Whether the page is full or the list has ended. */
  get isDone(): boolean {
    return this.#isAtEnd || this.#items.length > this.#limit
  }

  async advance(): Promise<void> {
    if (this.#steps > 0) await nextTurn()
    const { items, end } = await this.#step(this.#position)
    this.#items.push(...items)
    this.#isAtEnd = end === undefined
    this.#position = end
    this.#steps += 1
  }

  /** Advances until the page is full, the list has ended, or the time of a walk is over. */
  async advanceInTime(clock: Pick<Clock, 'monotonic'>, startedAt: number): Promise<void> {
    while (!this.isDone && clock.monotonic() - startedAt < walkMs) await this.advance()
  }

  /** Ends the walk with all remaining items, up to one more than the page has left. */
  finish(items: readonly T[]): void {
    this.#items.push(...items)
    this.#isAtEnd = true
  }

  /** Returns the page; a short one, with the place where the next one continues, if not done. */
  page(): WalkedPage<T> {
    const items = this.#items.slice(0, this.#limit)
    if (this.#items.length > this.#limit) return { items, next: items.at(-1)?.id }
    return { items, next: this.#isAtEnd ? undefined : this.#position }
  }
}
