import { LatchkeyError } from '../errors.js'

/** Lets one caller through at a time, in order of arrival. */
export class Mutex {
  readonly #patienceMs: number
  #tail: Promise<unknown> = Promise.resolve()

  /** Who has waited `patienceMs` milliseconds for its turn gives up with `store_unavailable`. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Runs `work` when everybody who came earlier is done. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let waiting = true
      const timer = setTimeout(() => {
        waiting = false
        const cause = new Error(`Waited ${this.#patienceMs} ms for earlier writers of this store.`)
        reject(new LatchkeyError('store_unavailable', { cause }))
      }, this.#patienceMs)
      this.#tail = this.#tail.then(() => {
        clearTimeout(timer)
        return waiting ? work().then(resolve, reject) : undefined
      })
    })
  }
}
