import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type Algorithm, isAlgorithm, isHmacAlgorithm, type SignatureAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'
import { impliedAlgorithm } from './signature-key.js'

/** A public key as a JWKS lists it (RFC 7517 §4). */
export interface PublicJwk {
  readonly kty: string
  readonly kid: string
  readonly alg: SignatureAlgorithm
  readonly use: 'sig'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/** What a JWK says it may be used for (RFC 7517 §4.3). */
export type KeyOperation = 'sign' | 'verify'

/** A key taken from a JWK. */
export interface ImportedJwk {
  readonly kid: string | undefined
  /** The only algorithm it may be used with: what the JWK says or its curve implies; `undefined` when it leaves that open. */
  readonly algorithm: Algorithm | undefined
  readonly key: KeyObject
}

/** The public half of a key as a JWK, with nothing of the private one. Throws a TypeError for a symmetric key. */
export function publicJwkOf(key: KeyObject, { kid, alg }: { kid: string; alg: SignatureAlgorithm }): PublicJwk {
  if (key.type === 'secret') throw new TypeError('A symmetric key has no public half, and is never published.')
  const { kty, crv, x, y, n, e } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  const members = Object.entries({ crv, x, y, n, e }).filter(([, value]) => value !== undefined)
  return { kty: String(kty), kid, alg, use: 'sig', ...Object.fromEntries(members) }
}

/**
 * Takes a key from a JWK, honouring `kty`, `crv`, `alg`, `use` and `key_ops` (RFC 7517 §4). For `verify` the public half is taken.
 * Throws a TypeError for what is no JWK, is not meant for the operation, or contradicts itself.
 */
export function importJwk(jwk: unknown, operation: KeyOperation): ImportedJwk {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new TypeError('A JWK is an object.')
  const { kty, kid, alg, use, key_ops: operations }: Record<string, unknown> = { ...jwk }
  if (kid !== undefined && typeof kid !== 'string') throw new TypeError('The kid of a JWK is a text.')
  if (alg !== undefined && !(typeof alg === 'string' && isAlgorithm(alg))) {
    throw new TypeError('The JWK is meant for an algorithm that is none of ours.')
  }
  if (use !== undefined && use !== 'sig') throw new TypeError('The JWK is not meant for signatures.')
  if (operations !== undefined) checkOperations(operations, operation)
  const key = kty === 'oct' ? secretOf(jwk) : keyPairHalf(jwk, operation)
  const implied = key.type === 'secret' ? undefined : impliedAlgorithm(key)
  if (alg !== undefined && !isFit(key, alg, implied)) throw new TypeError('The alg of the JWK contradicts its key.')
  return { kid, algorithm: alg ?? implied, key }
}

function isFit(key: KeyObject, alg: Algorithm, implied: SignatureAlgorithm | undefined): boolean {
  if (isHmacAlgorithm(alg) || key.type === 'secret') return isHmacAlgorithm(alg) && key.type === 'secret'
  if (implied !== undefined) return alg === implied
  return key.asymmetricKeyType === 'rsa' && /^[RP]S/.test(alg)
}

function checkOperations(operations: unknown, operation: KeyOperation): void {
  const listed: unknown[] = Array.isArray(operations) ? operations : []
  if (!listed.includes(operation)) throw new TypeError(`The key_ops of the JWK do not list "${operation}".`)
  if (new Set(listed).size !== listed.length) throw new TypeError('The key_ops of the JWK repeat a value.')
}

function secretOf(jwk: object): KeyObject {
  const k: unknown = Reflect.get(jwk, 'k')
  const bytes = typeof k === 'string' ? decodeBase64url(k) : undefined
  if (bytes === undefined) throw new TypeError('The k of the JWK is not base64url.')
  return createSecretKey(bytes)
}

function keyPairHalf(jwk: object, operation: KeyOperation): KeyObject {
  const input = { key: jwk as JsonWebKey, format: 'jwk' } as const
  try {
    return operation === 'sign' ? createPrivateKey(input) : createPublicKey(input)
  } catch {
    // Node's own message may quote what it could not read.
    throw new TypeError('The JWK does not hold a usable key.')
  }
}
