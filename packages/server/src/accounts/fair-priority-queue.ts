import { type FairEntry, type FairPath, FairQueue } from '../fair-queue.js'

/** The place and the cost of an entry. */
export interface QueueRequest {
  readonly path: FairPath
  /** Whether the entry precedes entries without priority. */
  readonly priority: boolean
  /** The number of turns that the entry costs. */
  readonly cost: number
}

/** An entry in the queue. */
export interface QueuedEntry<T> {
  readonly priority: boolean
  readonly entry: FairEntry<T>
}

/** Of this many turns in a row, the last one goes to an entry without priority, if one waits. */
const priorityRound = 4

/**
 * A bounded queue with two priorities, each of them fair between groups. Priority entries go first,
 * but take at most three of four turns while others wait. When the queue is full, the newest entry
 * of the largest group is dropped. Pure.
 */
export class FairPriorityQueue<T> {
  readonly #capacity: number
  readonly #priority = new FairQueue<T>()
  readonly #ordinary = new FairQueue<T>()
  #priorityInRow = 0

  /** @param capacity The maximum number of waiting entries. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Number of entries. */
  get size(): number {
    return this.#priority.size + this.#ordinary.size
  }

  /** Returns whether `add` would accept the entry. */
  hasRoom({ priority, path }: QueueRequest): boolean {
    return this.size < this.#capacity || !(this.#isLargerSide(priority) && this.#side(priority).wouldDrop(path))
  }

  /**
   * Adds an entry.
   *
   * @returns the entry, and the value that was dropped for it; `undefined` if there is no room
   * because the entry itself is the newest of the largest group
   */
  add(request: QueueRequest, value: T): { waiting: QueuedEntry<T>; displaced: T | undefined } | undefined {
    if (!this.hasRoom(request)) return undefined
    const { priority, path, cost } = request
    const from = this.#isLargerSide(priority) ? priority : !priority
    const displaced = this.size < this.#capacity ? undefined : this.#side(from).dropNewest()
    return { waiting: { priority, entry: this.#side(priority).add(path, value, cost) }, displaced }
  }

  /** Removes the next entry and returns its value; `undefined` if the queue is empty. */
  take(): T | undefined {
    const othersDue = this.#priorityInRow === priorityRound - 1 && this.#ordinary.size > 0
    const priority = this.#priority.size > 0 && !othersDue
    this.#priorityInRow = priority ? Math.min(this.#priorityInRow + 1, priorityRound - 1) : 0
    return this.#side(priority).take()
  }

  /** Removes an entry; does nothing if it is no longer in the queue. */
  remove({ priority, entry }: QueuedEntry<T>): void {
    this.#side(priority).remove(entry)
  }

  /** Returns whether this side, with one more entry, would be at least as large as the other. */
  #isLargerSide(priority: boolean): boolean {
    return this.#side(priority).size + 1 >= this.#side(!priority).size
  }

  #side(priority: boolean): FairQueue<T> {
    return priority ? this.#priority : this.#ordinary
  }
}
