import { createSecretKey, KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { type Algorithm, isHmacAlgorithm } from './algorithms.js'
import { HmacKey } from './hmac-key.js'
import { importJwk, type Jwk, type KeyOperation } from './jwk.js'
import { algorithmsOf } from './key-algorithms.js'
import { createSigner, createVerifier, type SignatureVerifier, type Signer } from './signature-key.js'

/**
 * A key: Node's `KeyObject`, the bytes of an HMAC secret, or a JWK, whose `alg`, `use` and
 * `key_ops` are enforced (RFC 7517 §4). Strings are refused, because a secret and a PEM file look
 * alike.
 */
export type KeyInput = KeyObject | Uint8Array | Jwk

/**
 * A key that fits the wanted operation, and the algorithms that it can be used with: at least one.
 */
export interface UsableKey {
  readonly key: KeyObject
  readonly algorithms: readonly Algorithm[]
}

/**
 * Reads a key of any kind.
 *
 * @throws TypeError if the key cannot be used for the operation with any algorithm
 */
export function usableKey(input: KeyInput, operation: KeyOperation): UsableKey {
  const usable = readKey(input, operation)
  const { key, algorithms } = usable
  if (algorithms.length === 0) throw new TypeError('This key is too short, or of a kind that no algorithm takes.')
  if (key.type === 'secret') checkNoPem(key)
  else if (key.type !== (operation === 'sign' ? 'private' : 'public'))
    throw new TypeError(`A ${key.type} key cannot ${operation}.`)
  return usable
}

/** Returns a signer for the key and one of its algorithms. */
export function signerOf(algorithm: Algorithm, key: KeyObject): Signer {
  return isHmacAlgorithm(algorithm) ? new HmacKey(algorithm, key.export()) : createSigner(algorithm, key)
}

/** Returns a verifier for the key and one of its algorithms. */
export function verifierOf(algorithm: Algorithm, key: KeyObject): SignatureVerifier {
  return isHmacAlgorithm(algorithm) ? new HmacKey(algorithm, key.export()) : createVerifier(algorithm, key)
}

function readKey(input: KeyInput, operation: KeyOperation): UsableKey {
  if (!(input instanceof KeyObject || types.isUint8Array(input))) return importJwk(input, operation)
  const key = input instanceof KeyObject ? input : createSecretKey(input)
  return { key, algorithms: algorithmsOf(key) }
}

/**
 * Throws for a PEM file. It often holds a public key, and a token signed with that as an HMAC
 * secret could be forged (RFC 8725 §2.1).
 */
function checkNoPem(secret: KeyObject): void {
  if (secret.export().includes('-----BEGIN ')) throw new TypeError('This secret is a PEM file: make a KeyObject of it.')
}
