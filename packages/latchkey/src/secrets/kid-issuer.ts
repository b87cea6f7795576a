import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { decodeBase64url } from '../jws/base64url.js'

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
  readonly #kidKey: Uint8Array

  /** `kidKey`: 32 random bytes, the same in every process and for as long as any kid lives. */
  constructor(kidKey: Uint8Array) {
    this.#kidKey = kidKey
  }

  /** A fresh kid. */
  mint(): string {
    const id = randomBytes(idBytes)
    return Buffer.concat([id, this.#tag(id)]).toString('base64url')
  }

  /** Whether this kid was minted here. Constant time in the tag. */
  recognises(kid: string): boolean {
    if (kid.length !== KID_LENGTH) return false
    const bytes = decodeBase64url(kid)
    if (bytes === undefined) return false
    return timingSafeEqual(this.#tag(bytes.subarray(0, idBytes)), bytes.subarray(idBytes))
  }

  #tag(id: Uint8Array): Buffer {
    return createHmac('sha256', this.#kidKey).update(id).digest().subarray(0, tagBytes)
  }
}
