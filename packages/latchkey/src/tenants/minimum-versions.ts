import type { Instant } from '../clock.js'

/** The versions that were read during one interval between proofs of the feed. */
interface Generation {
  readonly versions: Map<string, number>
  readonly endedKids: Set<string>
  hasOverflown: boolean
  /** The start of the next generation, in monotonic milliseconds. */
  closedAtMs: number
}

const maxEntries = 100_000

/**
 * The versions that this process has read, and the key IDs that it has found ended, until the
 * change feed has delivered them. An older entry of the shared cache must not be used after a newer
 * version was read, although the feed is still within `maxStaleness` (C6).
 *
 * A version that was read before a proof of the feed began was committed before it. The proof has
 * therefore delivered it, and it can be removed here. Two generations reduce the cost to one write
 * for each read.
 */
export class MinimumVersions {
  readonly #capacity: number
  #current = emptyGeneration()
  #previous = emptyGeneration()

  constructor(capacity = maxEntries) {
    this.#capacity = capacity
  }

  /**
   * Whether entries were dropped for lack of space. Until the feed has delivered them, the shared
   * cache must not be used.
   */
  get hasOverflown(): boolean {
    return this.#current.hasOverflown || this.#previous.hasOverflown
  }

  /** Records that this version of the tenant has been read. */
  raise(tenant: string, version: number): void {
    const { versions } = this.#current
    const known = versions.get(tenant)
    if (known !== undefined && known >= version) return
    if (known === undefined && !this.#hasRoom()) return
    versions.set(tenant, version)
  }

  /** Records that the key ID belongs to no tenant any more. */
  end(kid: string): void {
    if (this.#hasRoom()) this.#current.endedKids.add(kid)
  }

  /** Returns the smallest version of the tenant that may be used; 0 for any. */
  versionOf(tenant: string): number {
    return Math.max(this.#current.versions.get(tenant) ?? 0, this.#previous.versions.get(tenant) ?? 0)
  }

  /** Returns whether this key ID was found ended. */
  hasEnded(kid: string): boolean {
    return this.#current.endedKids.has(kid) || this.#previous.endedKids.has(kid)
  }

  /** Removes the entries that the feed has delivered with all commits before `asOf`. */
  proved(asOf: Instant, now: Instant): void {
    if (!(asOf.monotonicMs >= this.#previous.closedAtMs)) return
    this.#previous = this.#current
    this.#previous.closedAtMs = now.monotonicMs
    this.#current = emptyGeneration()
  }

  #hasRoom(): boolean {
    const { versions, endedKids } = this.#current
    const hasRoom = versions.size + endedKids.size < this.#capacity / 2
    if (!hasRoom) this.#current.hasOverflown = true
    return hasRoom
  }
}

function emptyGeneration(): Generation {
  return {
    versions: new Map(),
    endedKids: new Set(),
    hasOverflown: false,
    closedAtMs: Number.NEGATIVE_INFINITY,
  }
}
