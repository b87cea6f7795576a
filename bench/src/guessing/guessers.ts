import type { Actor } from './simulation.js'

/** The answer to an attempt to sign in. */
export interface Answer {
  readonly status: number
  readonly retryAfterMs: number
}

/** Makes one attempt to sign in to the account, from an address. */
export type TryPassword = (address: string) => Promise<Answer>

/** How long before the announced moment the guessers start to retry, so that they are first. */
const leadMs = 1000
const retryEveryMs = 100

/**
 * A botnet that guesses from many addresses, knows the limits and wastes no attempt: as soon as the
 * account can be tried, the address with the shortest wait tries. It is faster than any client that
 * obeys Retry-After.
 */
export class Guessers {
  readonly guesses: number[] = []
  readonly #failures: Map<string, number>
  readonly #tryPassword: TryPassword

  constructor(addresses: readonly string[], tryPassword: TryPassword) {
    this.#failures = new Map(addresses.map((address) => [address, 0]))
    this.#tryPassword = tryPassword
  }

  /** The number of addresses that have guessed. */
  get used(): number {
    return [...this.#failures.values()].filter((failures) => failures > 0).length
  }

  readonly act: Actor = async (nowMs) => {
    const address = this.#best()
    const { status, retryAfterMs } = await this.#tryPassword(address)
    if (status === 429) return nowMs + Math.max(retryEveryMs, retryAfterMs - leadMs)
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
