import { type Clock, elapsedMs, type Instant } from '../clock.js'

/**
 * The age of this verifier's data (C4). A check of the feed that began at an instant, and delivered
 * every change committed before it, makes all cached tenants fresh as of that instant. Without a
 * recent check, only a tenant's own read counts.
 */
export class Freshness {
  readonly #clock: Clock
  readonly #maxStalenessMs: number
  #provedAt: Instant | undefined
  #isSuspect = true

  constructor(clock: Clock, maxStalenessMs: number) {
    this.#clock = clock
    this.#maxStalenessMs = maxStalenessMs
  }

  /** Records that every change committed before `asOf` has been delivered. */
  proved(asOf: Instant): void {
    this.#provedAt = asOf
    this.#isSuspect = false
  }

  /** Records that the feed proves nothing until its next check. */
  lost(): void {
    this.#provedAt = undefined
    this.#isSuspect = true
  }

  /**
   * Returns whether data read at `readAt`, and not reported as changed since, is still fresh enough
   * to use. A proof that is found too old makes the feed suspect.
   *
   * @param nowMs The wall clock, just read by the caller. The monotonic clock is read at each call.
   */
  covers(readAt: Instant, nowMs: number): boolean {
    if (this.#isRecent(this.#provedAt, nowMs)) return true
    this.#isSuspect = true
    return this.#isRecent(readAt, nowMs)
  }

  /**
   * Whether there is no proof of the feed, or it was found too old since it came. While this is
   * `false`, `covers` will most likely return `true`, so that a look-up need not read the clocks.
   */
  get isSuspect(): boolean {
    return this.#isSuspect
  }

  /** Whether the last proof of the feed is recent enough. */
  get isFeedFresh(): boolean {
    return this.#isRecent(this.#provedAt, this.#clock.now())
  }

  /** Age of the feed's last proof in milliseconds; `Infinity` without one. */
  get feedAgeMs(): number {
    if (this.#provedAt === undefined) return Number.POSITIVE_INFINITY
    return elapsedMs(this.#clock, this.#provedAt)
  }

  #isRecent(instant: Instant | undefined, nowMs: number): boolean {
    return instant !== undefined && elapsedMs(this.#clock, instant, nowMs) <= this.#maxStalenessMs
  }
}
