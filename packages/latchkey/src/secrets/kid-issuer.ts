import { randomBytes } from 'node:crypto'
import { decodeBase64url } from '../jws/base64url.js'
import { type HmacSecret, hmacOf, hmacSecretOf } from '../jws/hmac-key.js'

const idBytes = 16
const tagBytes = 8

/** Length of every kid in characters: base64url of 24 bytes. */
export const KID_LENGTH = 32

/**
 * Names one version of one tenant's secret in a JWT header, and proves by itself that we issued it (C2).
 *
 * Layout: base64url( id[16 bytes] ‖ tag[8 bytes] ), tag = HMAC-SHA-256(kidKey, id)[0..8]. A verifier must look a key up before it can
 * check a signature (RFC 7515 §4.1.4), so the kid is attacker-chosen input that would cause a read. The tag lets a made-up kid be
 * refused in memory; 64 bits leave a forger one chance in 2^64 a try to cause a single read.
 */
export class KidIssuer {
  readonly #kidKey: HmacSecret

  /** `kidKey`: 32 random bytes, the same in every process and for as long as any kid lives. */
  constructor(kidKey: Uint8Array) {
    this.#kidKey = hmacSecretOf('HS256', kidKey)
  }

  /** A fresh kid. */
  mint(): string {
    const id = randomBytes(idBytes)
    return Buffer.concat([id, Buffer.from(this.#mac(id), 'latin1').subarray(0, tagBytes)]).toString('base64url')
  }

  /** Whether this kid was minted here. Constant time in the tag. */
  recognises(kid: string): boolean {
    if (kid.length !== KID_LENGTH) return false
    const bytes = decodeBase64url(kid)
    if (bytes === undefined) return false
    const mac = this.#mac(bytes.subarray(0, idBytes))
    let difference = 0
    for (let at = 0; at < tagBytes; at += 1) difference |= mac.charCodeAt(at) ^ (bytes[idBytes + at] ?? -1)
    return difference === 0
  }

  /** Begins with the tag. */
  #mac(id: Uint8Array): string {
    return hmacOf('HS256', this.#kidKey, id)
  }
}
