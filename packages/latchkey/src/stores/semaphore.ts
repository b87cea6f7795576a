import { LatchkeyError } from '../errors.js'

/** Lets a number of callers work at once, and the others wait in order of arrival. */
export class Semaphore {
  readonly #patienceMs: number
  readonly #waiting = new Set<() => void>()
  #free: number

  /** `places`: callers at once. A caller that has waited `patienceMs` milliseconds fails with `store_busy`. */
  constructor(places: number, patienceMs: number) {
    this.#free = places
    this.#patienceMs = patienceMs
  }

  /** How many callers wait for a place. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Runs `work` once there is a place for it. */
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
