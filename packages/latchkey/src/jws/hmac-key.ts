import { createHmac, timingSafeEqual } from 'node:crypto'
import type { HmacAlgorithm } from './algorithms.js'

export class HmacKey {
  readonly algorithm: HmacAlgorithm
  readonly #secret: Uint8Array

  constructor(algorithm: HmacAlgorithm, secret: Uint8Array) {
    this.algorithm = algorithm
    this.#secret = secret
  }

  sign(signingInput: string): string {
    return createHmac(`sha${this.algorithm.slice(2)}`, this.#secret)
      .update(signingInput)
      .digest('base64url')
  }

  verify(signingInput: string, signature: string): boolean {
    const expected = Buffer.from(this.sign(signingInput))
    const actual = Buffer.from(signature)
    return expected.length === actual.length && timingSafeEqual(expected, actual)
  }
}
