import { createPublicKey, KeyObject } from 'node:crypto'
import { type Algorithm, isHmacAlgorithm } from './algorithms.js'
import { HmacKey } from './hmac-key.js'
import { importJwk, type KeyOperation } from './jwk.js'
import { createSigner, createVerifier, type SignatureVerifier, type Signer } from './signature-key.js'

/** A key as callers have it: Node's own, the bytes of a secret, or a JWK. */
export type KeyInput = KeyObject | Uint8Array | { readonly kty: string; readonly [member: string]: unknown }

/** The key, ready to sign with this algorithm. Throws a TypeError when it cannot be used so. */
export function signerOf(input: KeyInput, algorithm: Algorithm): Signer {
  const key = usableKey(input, algorithm, 'sign')
  if (isHmacAlgorithm(algorithm)) return new HmacKey(algorithm, secretBytes(key))
  if (!(key instanceof KeyObject)) throw new TypeError(`Bytes are no key for ${algorithm}.`)
  return createSigner(algorithm, key)
}

/** The key, ready to verify this algorithm. Throws a TypeError when it cannot be used so. */
export function verifierOf(input: KeyInput, algorithm: Algorithm): SignatureVerifier {
  const key = usableKey(input, algorithm, 'verify')
  if (isHmacAlgorithm(algorithm)) return new HmacKey(algorithm, secretBytes(key))
  if (!(key instanceof KeyObject)) throw new TypeError(`Bytes are no key for ${algorithm}.`)
  return createVerifier(algorithm, key.type === 'private' ? createPublicKey(key) : key)
}

function usableKey(input: KeyInput, algorithm: Algorithm, operation: KeyOperation): KeyObject | Uint8Array {
  if (input instanceof KeyObject || input instanceof Uint8Array) return input
  const imported = importJwk(input, operation)
  if (imported.algorithm !== undefined && imported.algorithm !== algorithm) {
    throw new TypeError(`The JWK is meant for another algorithm than ${algorithm}.`)
  }
  return imported.key
}

function secretBytes(key: KeyObject | Uint8Array): Uint8Array {
  if (key instanceof Uint8Array) return key
  if (key.type !== 'secret') throw new TypeError('A public or private key is no secret: it is never used for HMAC.')
  return key.export()
}
