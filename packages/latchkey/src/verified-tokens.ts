import type { Auth } from './auth.js'
import { BoundedMap } from './bounded-map.js'
import type { VerifyingKey } from './keys/key-source.js'

interface VerifiedToken {
  readonly token: string
  readonly auth: Auth
  readonly key: VerifyingKey
  readonly notAfterMs: number
  recentlyUsed: boolean
}

/**
 * Tokens that were verified before (C8). It stands behind the decision it would bypass: an entry counts only while its key says that
 * it is current, so that one write on the key's tenant ends every verdict that leans on it.
 *
 * Only tokens whose signature held ever enter, so that nobody without a secret can fill it. Entries are found by their signature, which
 * is short to hash, and the whole token is compared on a hit. That comparison is not constant-time and need not be: who presents
 * a signature that is in here already holds a token that is accepted.
 */
export class VerifiedTokens {
  readonly #entries: BoundedMap<string, VerifiedToken>

  constructor(maxEntries: number) {
    this.#entries = new BoundedMap(maxEntries)
  }

  /** The identity of a token that was verified before and still holds. */
  find(token: string, nowMs: number): Auth | undefined {
    const known = this.#entries.get(signatureOf(token))
    if (known === undefined || known.token !== token) return undefined
    if (nowMs < known.notAfterMs && known.key.isCurrent()) {
      known.recentlyUsed = true
      return known.auth
    }
    this.#entries.delete(signatureOf(token))
    return undefined
  }

  /** Remembers a token that was just verified, until `notAfterMs` (milliseconds since 1970) or until its key is not current any more. */
  add(token: string, auth: Auth, key: VerifyingKey, notAfterMs: number): void {
    this.#entries.set(signatureOf(token), { token, auth, key, notAfterMs, recentlyUsed: false })
  }

  clear(): void {
    this.#entries.clear()
  }
}

function signatureOf(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}
