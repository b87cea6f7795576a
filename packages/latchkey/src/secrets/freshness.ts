import { type Clock, elapsedMs, type Instant } from '../clock.js'

/**
 * How old this verifier's knowledge is (C4). A feed check that began at some instant and delivered every change committed
 * before it makes every cached tenant fresh as of that instant; without a recent one only a tenant's own read counts.
 */
export class Freshness {
  readonly #clock: Clock
  readonly #maxStalenessMs: number
  #provedAt: Instant | undefined

  constructor(clock: Clock, maxStalenessMs: number) {
    this.#clock = clock
    this.#maxStalenessMs = maxStalenessMs
  }

  /** Every change committed before `asOf` has been delivered. */
  proved(asOf: Instant): void {
    this.#provedAt = asOf
  }

  /** The feed no longer vouches for anything, until its next proof. */
  lost(): void {
    this.#provedAt = undefined
  }

  /** Whether what was read at `readAt`, and not changed by the feed since, may be believed now. Reads the clocks anew at each call. */
  covers(readAt: Instant): boolean {
    return this.#isRecent(this.#provedAt) || this.#isRecent(readAt)
  }

  /** Whether the feed vouches for everything that it has told, and not told. */
  get isFeedFresh(): boolean {
    return this.#isRecent(this.#provedAt)
  }

  /** Milliseconds since the change feed last proved itself; Infinity when it does not vouch for anything. */
  get feedAgeMs(): number {
    return this.#provedAt === undefined ? Number.POSITIVE_INFINITY : elapsedMs(this.#clock, this.#provedAt)
  }

  #isRecent(instant: Instant | undefined): boolean {
    return instant !== undefined && elapsedMs(this.#clock, instant) <= this.#maxStalenessMs
  }
}
