import type { Auth } from './auth.js'
import { BoundedMap } from './bounded-map.js'
import { endsAtMs } from './claims/check-claims.js'
import type { Clock } from './clock.js'
import type { VerifyingKey } from './keys/key-source.js'
import { ownText } from './own-text.js'

interface VerifiedToken {
  token: string
  readonly auth: Auth
  readonly key: VerifyingKey
  recentlyUsed: boolean
}

/** How the memory of verified tokens has been used since it began. */
export interface TokenCacheUse {
  /** Tokens that were found in it and still held. */
  readonly hits: number
  /** Tokens that were not, the refused ones included. */
  readonly misses: number
  /** Tokens that are in it now. */
  readonly entries: number
}

/** Longer tokens are verified each time, so that the number of entries bounds the bytes as well. */
const maxTokenLength = 2048

/** Bits of memory for what came before, per entry: it begins anew after as many newcomers as there are entries. */
const bitsPerEntry = 16

/**
 * Tokens that were verified before (C8). It stands behind the decision it would bypass: an entry counts only while its key says that
 * it is current, so that one write on the key's tenant ends every verdict that leans on it.
 *
 * Only tokens whose signature held ever enter, so that nobody without a secret can fill it. An entry is found by a few characters of the signature, which
 * are as good as random and cost no hashing, and the whole token is compared on a hit; of two tokens with the same ones the later stays. That comparison
 * is not constant-time and need not be: who presents a signature that is in here already holds a token that is accepted.
 *
 * Once it is full, a token enters when it comes for the second time: those that come once drive nobody out, and leave nothing to be collected.
 */
export class VerifiedTokens {
  readonly #clock: Pick<Clock, 'now'>
  readonly #toleranceSec: number
  readonly #entries: BoundedMap<number, VerifiedToken>
  /** A bit for each mark that came; several marks share one, which lets a token in too early at worst. */
  readonly #came: Uint8Array
  #bitsSet = 0
  #lookups = 0
  #hits = 0

  /** `clock` is read for tokens that are found; `toleranceSec` is added to their expiry. */
  constructor(maxEntries: number, toleranceSec: number, clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#toleranceSec = toleranceSec
    this.#entries = new BoundedMap(maxEntries)
    this.#came = new Uint8Array(Math.ceil((maxEntries * bitsPerEntry) / 8))
  }

  /** The identity of a token that was verified before and still holds. */
  find(token: string): Auth | undefined {
    this.#lookups += 1
    const mark = markOf(token)
    const known = this.#entries.get(mark)
    if (known === undefined) return undefined
    // Before the texts are compared: the key and the identity are then fetched from memory meanwhile, and not waited for one after the other.
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
      // It comes again and again, as it seems: then its text is worth a place of its own.
      known.token = ownText(token)
    }
    this.#hits += 1
    return known.auth
  }

  get use(): TokenCacheUse {
    return { hits: this.#hits, misses: this.#lookups - this.#hits, entries: this.#entries.size }
  }

  /** Remembers a token that was just verified, until it expires or until its key is not current any more. */
  add(token: string, auth: Auth, key: VerifyingKey): void {
    const mark = markOf(token)
    if (token.length > maxTokenLength || (this.#entries.isFull && !this.#cameBefore(mark))) return
    this.#entries.set(mark, { token, auth, key, recentlyUsed: false })
  }

  clear(): void {
    this.#entries.clear()
  }

  #cameBefore(mark: number): boolean {
    const bits = this.#came.length * 8
    const at = mark % bits
    const byte = this.#came[at >> 3] ?? 0
    const bit = 1 << (at & 7)
    if ((byte & bit) !== 0) return true
    if (this.#bitsSet * bitsPerEntry >= bits) {
      this.#came.fill(0)
      this.#bitsSet = 0
      return false
    }
    this.#came[at >> 3] = byte | bit
    this.#bitsSet += 1
    return false
  }
}

/** 30 bits of the signature: of five characters before the last, which carries fewer. */
function markOf(token: string): number {
  let mark = 0
  for (let at = token.length - 6; at < token.length - 1; at += 1) mark = (mark << 6) ^ (token.charCodeAt(at) & 0x3f)
  return mark
}
