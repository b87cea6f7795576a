import { randomBytes } from 'node:crypto'
import { decodeBase64url } from '../jws/base64url.js'
import { type HmacSecret, hmacOf, hmacSecretOf } from '../jws/hmac-key.js'

const idBytes = 16
const tagBytes = 8

/** Length of a key ID in characters: base64url of 24 bytes. */
export const KID_LENGTH = 32

/**
 * Mints and authenticates key IDs (`kid`), each of which names one version of one tenant's secret
 * (C2).
 *
 * Layout: base64url( id[16 bytes] ‖ tag[8 bytes] ), tag = HMAC-SHA-256(kidKey, id)[0..8].
 *
 * A verifier looks up the key before it can check the signature (RFC 7515 §4.1.4), so an attacker
 * chooses the key ID. The tag lets a forged one be refused without a database read; with 64 bits,
 * an attempt causes a read with a probability of 2^-64.
 */
export class KidIssuer {
  readonly #kidKey: HmacSecret

  /** `kidKey`: 32 random bytes, the same in every process. */
  constructor(kidKey: Uint8Array) {
    this.#kidKey = hmacSecretOf('HS256', kidKey)
  }

  /** Returns a new random key ID. */
  mint(): string {
    const id = randomBytes(idBytes)
    return Buffer.concat([id, Buffer.from(this.#mac(id), 'latin1').subarray(0, tagBytes)]).toString('base64url')
  }

  /** Returns whether the tag of the key ID is valid. Constant time in the tag. */
  recognises(kid: string): boolean {
    if (kid.length !== KID_LENGTH) return false
    const bytes = decodeBase64url(kid)
    if (bytes === undefined) return false
    const mac = this.#mac(bytes.subarray(0, idBytes))
    let difference = 0
    for (let at = 0; at < tagBytes; at += 1) difference |= mac.charCodeAt(at) ^ (bytes[idBytes + at] ?? -1)
    return difference === 0
  }

  /** Returns a MAC that begins with the tag. */
  #mac(id: Uint8Array): string {
    return hmacOf('HS256', this.#kidKey, id)
  }
}
