import { LatchkeyError } from './errors.js'
import { clearTimeout, setTimeout } from './timers.js'

/** Runs a limited number of calls at once; the others wait in order of arrival. */
export class Semaphore {
  readonly #patienceMs: number
  readonly #waiting = new Set<() => void>()
  #free: number

  /**
   * `places` is the number of calls at once. A caller that waits longer than `patienceMs`
   * milliseconds fails with `store_busy`.
   */
  constructor(places: number, patienceMs: number) {
    this.#free = places
    this.#patienceMs = patienceMs
  }

  /** The number of callers that wait for a place. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Runs `work` once a place is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1
      return undefined
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(enter)
        reject(
          new LatchkeyError('store_busy', { cause: new Error(`Waited ${this.#patienceMs} ms for earlier callers.`) }),
        )
      }, this.#patienceMs)
      this.#waiting.add(enter)
    })
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
