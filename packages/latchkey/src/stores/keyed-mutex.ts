import { Mutex } from './mutex.js'

interface Turns {
  readonly mutex: Mutex
  users: number
}

/** Lets one caller of each key through at a time, in order of arrival. Keys that are not in use take no memory. */
export class KeyedMutex {
  readonly #patienceMs: number
  readonly #byKey = new Map<string, Turns>()

  /** A caller that has waited `patienceMs` milliseconds for its turn fails with `store_busy`. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Runs `work` once every earlier caller of this key is done. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#byKey.get(key) ?? { mutex: new Mutex(this.#patienceMs), users: 0 }
    this.#byKey.set(key, turns)
    turns.users += 1
    try {
      return await turns.mutex.run(work)
    } finally {
      turns.users -= 1
      if (turns.users === 0) this.#byKey.delete(key)
    }
  }
}
