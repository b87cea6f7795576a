import { createHmac } from 'node:crypto'

/** Names that tell addresses and accounts apart without telling which they are: what is counted is kept where others may look. */
export class KeyedHash {
  readonly #key: Uint8Array

  /** `key`: 32 random bytes, the same in every process that shares the counters. */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The name for these parts; the same parts in another order or otherwise divided have another one. */
  of(...parts: readonly string[]): string {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest().subarray(0, 18).toString('base64url')
  }
}
