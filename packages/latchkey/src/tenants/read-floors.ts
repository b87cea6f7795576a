import type { Instant } from '../clock.js'

/** What was read during one interval between proofs of the feed. */
interface Generation {
  readonly versions: Map<string, number>
  readonly endedKids: Set<string>
  hasOverflown: boolean
  /** When the next generation began. */
  closedAtMs: number
}

/** Entries that are kept at most. */
const maxFloors = 100_000

/**
 * The versions that this process has read itself, and the kids that it has found ended, for as long as the change feed may not have delivered them: an older
 * entry of the shared cache must not be used after a newer one, although the feed is still within `maxStaleness` (C6).
 *
 * What was read before a proof of the feed began was committed before it, so the proof has delivered it and the floor is not needed any more. Two generations make
 * that cost one write for each read.
 */
export class ReadFloors {
  readonly #capacity: number
  #current = emptyGeneration()
  #previous = emptyGeneration()

  constructor(capacity = maxFloors) {
    this.#capacity = capacity
  }

  /** Whether more was read than can be remembered: until the feed has delivered it, nothing of the shared cache may be used. */
  get hasOverflown(): boolean {
    return this.#current.hasOverflown || this.#previous.hasOverflown
  }

  /** This version of the tenant has been read. */
  raise(tenant: string, version: number): void {
    const { versions } = this.#current
    const known = versions.get(tenant)
    if (known !== undefined && known >= version) return
    if (known === undefined && !this.#hasRoom()) return
    versions.set(tenant, version)
  }

  /** The kid was found to belong to no tenant. */
  end(kid: string): void {
    if (this.#hasRoom()) this.#current.endedKids.add(kid)
  }

  /** Returns the newest version of the tenant that has been read and may not have been delivered; 0 for none. */
  versionOf(tenant: string): number {
    return Math.max(this.#current.versions.get(tenant) ?? 0, this.#previous.versions.get(tenant) ?? 0)
  }

  /** Returns whether this kid was found ended. */
  hasEnded(kid: string): boolean {
    return this.#current.endedKids.has(kid) || this.#previous.endedKids.has(kid)
  }

  /** The feed has delivered everything committed before `asOf`; `now` is this moment. */
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
  return { versions: new Map(), endedKids: new Set(), hasOverflown: false, closedAtMs: Number.NEGATIVE_INFINITY }
}
