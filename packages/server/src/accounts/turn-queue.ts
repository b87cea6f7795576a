import { type FairEntry, type FairPath, FairQueue } from '../fair-queue.js'

/** What a queued entry asks for. */
export interface TurnRequest {
  readonly path: FairPath
  /** Whether the entry goes ahead of all that are not express. */
  readonly express: boolean
  /** Turns that the entry uses up. */
  readonly cost: number
}

/** An entry in the queue. */
export interface Waiting<T> {
  readonly express: boolean
  readonly entry: FairEntry<T>
}

/** Of this many turns in a row the last goes to an entry that is not express, if one waits. */
const expressRound = 4

/**
 * A bounded queue of two fair queues. Express entries go ahead, but take at most three of four turns
 * while others wait. When the queue is full, the newest entry of the largest group makes room. Pure.
 */
export class TurnQueue<T> {
  readonly #capacity: number
  readonly #express = new FairQueue<T>()
  readonly #ordinary = new FairQueue<T>()
  #expressInRow = 0

  /** @param capacity Entries that wait at most. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Number of entries. */
  get size(): number {
    return this.#express.size + this.#ordinary.size
  }

  /** Returns whether `add` would take the entry. */
  hasRoom({ express, path }: TurnRequest): boolean {
    return this.size < this.#capacity || !(this.#isLargerSide(express) && this.#side(express).wouldDrop(path))
  }

  /**
   * Adds an entry.
   *
   * @returns The entry, and the value that had to make room for it; `undefined` when the entry
   *   itself is the newest of the largest group and there is no room.
   */
  add(request: TurnRequest, value: T): { waiting: Waiting<T>; displaced: T | undefined } | undefined {
    if (!this.hasRoom(request)) return undefined
    const { express, path, cost } = request
    const from = this.#isLargerSide(express) ? express : !express
    const displaced = this.size < this.#capacity ? undefined : this.#side(from).dropNewest()
    return { waiting: { express, entry: this.#side(express).add(path, value, cost) }, displaced }
  }

  /** Removes the entry whose turn it is and returns its value; `undefined` when the queue is empty. */
  take(): T | undefined {
    const othersDue = this.#expressInRow === expressRound - 1 && this.#ordinary.size > 0
    const express = this.#express.size > 0 && !othersDue
    this.#expressInRow = express ? Math.min(this.#expressInRow + 1, expressRound - 1) : 0
    return this.#side(express).take()
  }

  /** Removes an entry; does nothing when it is no longer in the queue. */
  remove({ express, entry }: Waiting<T>): void {
    this.#side(express).remove(entry)
  }

  /** Whether this side, with one more entry, holds at least as many as the other. */
  #isLargerSide(express: boolean): boolean {
    return this.#side(express).size + 1 >= this.#side(!express).size
  }

  #side(express: boolean): FairQueue<T> {
    return express ? this.#express : this.#ordinary
  }
}
