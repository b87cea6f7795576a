import type { Auth } from './auth.js'
import { BoundedMap } from './bounded-map.js'
import { endsAtMs } from './claims/check-claims.js'
import type { Clock } from './clock.js'
import { copyText } from './copy-text.js'
import type { VerifyingKey } from './keys/key-source.js'

/** The key of a token, or the tenant of a legacy token. */
type Dependency = Pick<VerifyingKey, 'isCurrent' | 'use'>

interface VerifiedToken {
  token: string
  readonly auth: Auth
  readonly key: Dependency
  recentlyUsed: boolean
}

/** Counters of the cache of verified tokens. */
export interface TokenCacheUse {
  /** Tokens that were found and still valid. */
  readonly hits: number
  /** All other tokens, including refused ones. */
  readonly misses: number
  /** Tokens in the cache. */
  readonly entries: number
}

/** Longer tokens are not cached, so that the number of entries bounds the bytes as well. */
const maxTokenLength = 2048

/**
 * Bits per entry of the filter of tokens seen once: it is cleared after `maxEntries` new tokens.
 */
const bitsPerEntry = 16

/**
 * Cache of verified tokens (C8). An entry is valid only while its key is current, so that one write
 * to the key's tenant ends every verdict that depends on it.
 *
 * Only tokens with a valid signature are added, so that an attacker without a secret cannot fill
 * the cache. An entry is found by a few characters of the signature, which are as good as random
 * and need no hashing, and a hit compares the whole token; of two tokens with the same characters
 * the later one is kept. That comparison need not take constant time: a client that presents a
 * signature of the cache already has a valid token.
 *
 * A full cache adds a token at its second use, so that tokens used once evict no others and leave
 * no garbage.
 */
export class VerifiedTokens {
  readonly #clock: Pick<Clock, 'now'>
  readonly #toleranceSec: number
  readonly #entries: BoundedMap<number, VerifiedToken>
  /**
   * One bit for each mark that was seen. Marks that share a bit may add a token at its first use.
   */
  readonly #seen: Uint8Array
  #bitsSet = 0
  #lookups = 0
  #hits = 0

  /** `clock` is read at hits; `toleranceSec` is added to the expiry of a token. */
  constructor(maxEntries: number, toleranceSec: number, clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#toleranceSec = toleranceSec
    this.#entries = new BoundedMap(maxEntries)
    this.#seen = new Uint8Array(Math.ceil((maxEntries * bitsPerEntry) / 8))
  }

  /** Returns the identity of a cached token that is still valid. */
  find(token: string): Auth | undefined {
    this.#lookups += 1
    const mark = markOf(token)
    const known = this.#entries.get(mark)
    if (known === undefined) return undefined
    // Before the comparison, so that the processor fetches the key and the identity meanwhile.
    known.key.use?.()
    const endsMs = endsAtMs(known.auth.expiresAt, this.#toleranceSec)
    if (known.token !== token) return undefined
    const nowMs = this.#clock.now()
    if (!(nowMs < endsMs && known.key.isCurrent(nowMs))) {
      this.#entries.delete(mark)
      return undefined
    }
    if (!known.recentlyUsed) {
      known.recentlyUsed = true
      // Used repeatedly: a copy of the string is worth its cost.
      known.token = copyText(token)
    }
    this.#hits += 1
    return known.auth
  }

  get use(): TokenCacheUse {
    return { hits: this.#hits, misses: this.#lookups - this.#hits, entries: this.#entries.size }
  }

  /** Caches a token that was just verified. */
  add(token: string, auth: Auth, key: Dependency): void {
    const mark = markOf(token)
    if (token.length > maxTokenLength || (this.#entries.isFull && !this.#wasSeen(mark))) return
    this.#entries.set(mark, { token, auth, key, recentlyUsed: false })
  }

  clear(): void {
    this.#entries.clear()
  }

  #wasSeen(mark: number): boolean {
    const bits = this.#seen.length * 8
    const at = mark % bits
    const byte = this.#seen[at >> 3] ?? 0
    const bit = 1 << (at & 7)
    if ((byte & bit) !== 0) return true
    if (this.#bitsSet * bitsPerEntry >= bits) {
      this.#seen.fill(0)
      this.#bitsSet = 0
      return false
    }
    this.#seen[at >> 3] = byte | bit
    this.#bitsSet += 1
    return false
  }
}

/** Returns 30 bits of the signature: five characters before the last one, which has fewer bits. */
function markOf(token: string): number {
  let mark = 0
  for (let at = token.length - 6; at < token.length - 1; at += 1) mark = (mark << 6) ^ (token.charCodeAt(at) & 0x3f)
  return mark
}
