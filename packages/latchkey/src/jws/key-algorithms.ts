import type { KeyObject } from 'node:crypto'
import type { Algorithm, HmacAlgorithm } from './algorithms.js'
import { signatureAlgorithmsOf } from './signature-key.js'

/** Fewest bytes of a secret: the length of the hash (RFC 7518 §3.2). */
const minSecretBytes: readonly (readonly [HmacAlgorithm, number])[] = [
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
]

/**
 * Every algorithm that a key can be used with, by its type, curve and length alone. A secret fits HS* and nothing else, a key of a pair never
 * fits HS*: that is what stops a public key from being taken for a secret (RFC 8725 §2.1). Empty for a key that fits none.
 */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { symmetricKeySize } = key
  if (symmetricKeySize === undefined) return signatureAlgorithmsOf(key)
  return minSecretBytes.filter(([, bytes]) => symmetricKeySize >= bytes).map(([algorithm]) => algorithm)
}
