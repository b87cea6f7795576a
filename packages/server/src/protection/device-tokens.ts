import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

const idBytes = 16
const tagBytes = 16
// 32 bytes in base64url.
const tokenShape = /^[A-Za-z0-9_-]{43}$/

/**
 * Device tokens: base64url( id[16] ‖ HMAC-SHA-256(key, id)[0..16] ). A token identifies a browser
 * or a device, for all accounts that sign in with it. It grants no access: it only distinguishes a
 * device that has signed in to an account before from unknown ones.
 */
export class DeviceTokens {
  readonly #key: KeyObject

  /** `key`: 32 random bytes, the same in every process. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  /** Returns a new token for a device without one. */
  mint(): string {
    const id = randomBytes(idBytes)
    return Buffer.concat([id, this.#tag(id)]).toString('base64url')
  }

  /** Returns the token if its tag is valid, else `undefined`. Compares in constant time. */
  recognise(text: string | undefined): string | undefined {
    if (text === undefined || !tokenShape.test(text)) return undefined
    const bytes = Buffer.from(text, 'base64url')
    const genuine = timingSafeEqual(this.#tag(bytes.subarray(0, idBytes)), bytes.subarray(idBytes))
    return genuine && bytes.toString('base64url') === text ? text : undefined
  }

  #tag(id: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(id).digest().subarray(0, tagBytes)
  }
}
