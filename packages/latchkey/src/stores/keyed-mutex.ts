import { Mutex } from './mutex.js'

interface Turns {
  readonly mutex: Mutex
  users: number
}

/** One mutex per key, each in order of arrival. A key without callers takes no memory. */
export class KeyedMutex {
  readonly #patienceMs: number
  readonly #byKey = new Map<string, Turns>()

  /** A caller that waits longer than `patienceMs` milliseconds fails with `store_busy`. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Runs `work` once every earlier call for this key has ended. */
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
