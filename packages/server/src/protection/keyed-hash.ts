import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/**
 * Keyed hashes (HMAC-SHA-256) as names of counters, so that stored counters reveal neither
 * addresses nor accounts.
 */
export class KeyedHash {
  readonly #key: KeyObject

  /** `key`: 32 random bytes, the same in every process that shares the counters. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  /** Returns the name for these parts. The order and the boundaries of the parts matter. */
  of(...parts: readonly string[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64url').slice(0, 24)
  }
}
