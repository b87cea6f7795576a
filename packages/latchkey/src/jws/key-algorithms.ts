import type { KeyObject } from 'node:crypto'
import type { Algorithm, HmacAlgorithm } from './algorithms.js'
import { minSecretBytes } from './hmac-key.js'
import { signatureAlgorithmsOf } from './signature-key.js'

const hmacAlgorithms = Object.keys(minSecretBytes) as HmacAlgorithm[]

/**
 * Returns every algorithm that a key can be used with, by its type, curve and length. A secret fits
 * HS* alone, and a public or private key never fits HS*, so that a public key cannot be used as a
 * secret (RFC 8725 §2.1). The list is empty for a key that fits no algorithm.
 */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { symmetricKeySize } = key
  if (symmetricKeySize === undefined) return signatureAlgorithmsOf(key)
  return hmacAlgorithms.filter((algorithm) => symmetricKeySize >= minSecretBytes[algorithm])
}
