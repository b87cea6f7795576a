import type { Actor } from './simulation.js'

/** How an attempt to sign in was answered. */
export interface Answer {
  readonly status: number
  readonly retryAfterMs: number
}

/** One try at the account, from an address. */
export type TryPassword = (address: string) => Promise<Answer>

/** How close before the announced moment the guessers begin to knock, so as to be the first. */
const eagernessMs = 1000
const knockEveryMs = 100

/**
 * Guessers who work together from many addresses, know the rules, and waste nothing: as soon as the account can be tried, that of their addresses tries
 * which has the shortest wait. They are faster than anybody who keeps to Retry-After.
 */
export class Guessers {
  readonly guesses: number[] = []
  readonly #failures: Map<string, number>
  readonly #tryPassword: TryPassword

  constructor(addresses: readonly string[], tryPassword: TryPassword) {
    this.#failures = new Map(addresses.map((address) => [address, 0]))
    this.#tryPassword = tryPassword
  }

  /** How many of the addresses have been used. */
  get used(): number {
    return [...this.#failures.values()].filter((failures) => failures > 0).length
  }

  readonly act: Actor = async (nowMs) => {
    const address = this.#best()
    const { status, retryAfterMs } = await this.#tryPassword(address)
    if (status === 429) return nowMs + Math.max(knockEveryMs, retryAfterMs - eagernessMs)
    if (status !== 401) throw new Error(`A guess was answered with ${status}.`)
    this.guesses.push(nowMs)
    this.#failures.set(address, (this.#failures.get(address) ?? 0) + 1)
    return nowMs
  }

  #best(): string {
    let best = ''
    let fewest = Number.POSITIVE_INFINITY
    for (const [address, failures] of this.#failures) if (failures < fewest) [best, fewest] = [address, failures]
    return best
  }
}
