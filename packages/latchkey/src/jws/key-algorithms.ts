import type { KeyObject } from 'node:crypto'
import type { Algorithm, HmacAlgorithm } from './algorithms.js'
import { minSecretBytes } from './hmac-key.js'
import { signatureAlgorithmsOf } from './signature-key.js'

const hmacAlgorithms = Object.keys(minSecretBytes) as HmacAlgorithm[]

/**
 * Every algorithm that a key can be used with, by its type, curve and length alone. A secret fits HS* and nothing else, a key of a pair never
 * fits HS*: that is what stops a public key from being taken for a secret (RFC 8725 §2.1). Empty for a key that fits none.
 */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { symmetricKeySize } = key
  if (symmetricKeySize === undefined) return signatureAlgorithmsOf(key)
  return hmacAlgorithms.filter((algorithm) => symmetricKeySize >= minSecretBytes[algorithm])
}
