import { type Clock, elapsedMs, type Instant } from '../clock.js'

/**
 * How old this verifier's knowledge is (C4). A feed check that began at some instant and delivered every change committed
 * before it makes every cached tenant fresh as of that instant; without a recent one only a tenant's own read counts.
 */
export class Freshness {
  readonly #clock: Clock
  readonly #maxStalenessMs: number
  #provedAt: Instant | undefined
  #isInDoubt = true

  constructor(clock: Clock, maxStalenessMs: number) {
    this.#clock = clock
    this.#maxStalenessMs = maxStalenessMs
  }

  /** Every change committed before `asOf` has been delivered. */
  proved(asOf: Instant): void {
    this.#provedAt = asOf
    this.#isInDoubt = false
  }

  /** The feed no longer vouches for anything, until its next proof. */
  lost(): void {
    this.#provedAt = undefined
    this.#isInDoubt = true
  }

  /**
   * Whether what was read at `readAt`, and not changed by the feed since, may be believed now. `nowMs`: the wall clock as it was just read, in milliseconds since
   * 1970. The other clock is read anew at each call. A proof that turns out too old puts the feed in doubt, see `isInDoubt`.
   */
  covers(readAt: Instant, nowMs: number): boolean {
    if (this.#isRecent(this.#provedAt, nowMs)) return true
    this.#isInDoubt = true
    return this.#isRecent(readAt, nowMs)
  }

  /**
   * Whether the feed's last proof has been found too old since it came, or there is none. While it has not, what is known will most likely be believed when
   * `covers` is asked: to look it up the clocks need not be read.
   */
  get isInDoubt(): boolean {
    return this.#isInDoubt
  }

  /** Whether the feed vouches for everything that it has told, and not told. */
  get isFeedFresh(): boolean {
    return this.#isRecent(this.#provedAt, this.#clock.now())
  }

  /** Milliseconds since the change feed last proved itself; Infinity when it does not vouch for anything. */
  get feedAgeMs(): number {
    return this.#provedAt === undefined ? Number.POSITIVE_INFINITY : elapsedMs(this.#clock, this.#provedAt)
  }

  #isRecent(instant: Instant | undefined, nowMs: number): boolean {
    return instant !== undefined && elapsedMs(this.#clock, instant, nowMs) <= this.#maxStalenessMs
  }
}
