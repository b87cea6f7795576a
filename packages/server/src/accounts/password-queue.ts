import { availableParallelism } from 'node:os'
import { Problem } from '../problem.js'
import type { PasswordHasher } from './password-hasher.js'

/** How many passwords Node's threads are given at once, and how many more may wait. */
export interface PasswordQueueOptions {
  readonly parallel: number
  readonly maxWaiting: number
}

/** Threads that Node has for such work when the command has started it: see `bin/latchkey.js`. */
const threads = Math.min(availableParallelism(), 4)

/** One is worked on and one is at hand, so that a thread need not wait for the event loop between two. */
const givenToEach = 2

/** Passwords that may wait for each thread: about a second's work. */
const waitingForEach = 32

/** Seconds after which a queue that was full has been worked off. */
const retryAfterSec = 2

/** What keeps the threads busy, and about a second's work in waiting. */
export function defaultPasswordQueue(): PasswordQueueOptions {
  return { parallel: threads * givenToEach, maxWaiting: threads * waitingForEach }
}

/**
 * A hasher that takes no more than it can do: whoever comes when the queue is full is told at once to come again (`overloaded`), instead of waiting
 * behind everybody else for an answer that is no longer wanted.
 */
export class PasswordQueue implements PasswordHasher {
  readonly #hasher: PasswordHasher
  readonly #options: PasswordQueueOptions
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(hasher: PasswordHasher, options: PasswordQueueOptions = defaultPasswordQueue()) {
    this.#hasher = hasher
    this.#options = options
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Fails with `overloaded` when the next one would be refused: for asking before anything else is done. */
  checkRoom(): void {
    if (this.#running < this.#options.parallel || this.#waiting.length < this.#options.maxWaiting) return
    throw new Problem('overloaded', { retryAfterSec })
  }

  hash(password: string): Promise<string> {
    return this.#run(() => this.#hasher.hash(password))
  }

  verify(password: string, hashed: string | undefined): Promise<boolean> {
    return this.#run(() => this.#hasher.verify(password, hashed))
  }

  isOutdated(hashed: string): boolean {
    return this.#hasher.isOutdated(hashed)
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.checkRoom()
    if (this.#running < this.#options.parallel) this.#running += 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      // The place goes to the one who has waited longest, or becomes free.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
