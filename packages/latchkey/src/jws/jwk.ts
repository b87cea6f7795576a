import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type Algorithm, isAlgorithm, isHmacAlgorithm, isSameAlgorithm, type SignatureAlgorithm } from './algorithms.js'
import { decodeBase64url } from './base64url.js'
import { algorithmsOf } from './key-algorithms.js'
import { checkFit } from './signature-key.js'

/**
 * A JSON Web Key (RFC 7517 §4): `oct`, `EC` on P-256, P-384 or P-521, `OKP` on Ed25519, or `RSA`.
 */
export interface Jwk {
  readonly kty: string
  readonly [member: string]: unknown
}

/** The operation that a key is used for, as `key_ops` names it (RFC 7517 §4.3). */
export type KeyOperation = 'sign' | 'verify'

/** A JWK after import. */
export interface ImportedJwk {
  readonly key: KeyObject
  /**
   * The algorithms of the key, at least one: its `alg`, or all that fit its type, curve and length.
   */
  readonly algorithms: readonly Algorithm[]
  readonly kid: string | undefined
}

/** A public key pinned to its algorithm. */
export interface PinnedKey {
  readonly algorithm: SignatureAlgorithm
  readonly key: KeyObject
  readonly kid: string | undefined
}

/** A public key as it is published in a JWKS (RFC 7517 §5). */
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

interface KeyShape {
  readonly publicMembers: readonly string[]
  readonly privateMembers: readonly string[]
}

const shapes: Readonly<Record<string, KeyShape>> = {
  EC: { publicMembers: ['x', 'y'], privateMembers: ['d'] },
  OKP: { publicMembers: ['x'], privateMembers: ['d'] },
  RSA: { publicMembers: ['n', 'e'], privateMembers: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
}

/**
 * The length of coordinates and private values: full-size octet strings (RFC 7518 §6.2.1.2, RFC
 * 8037 §2).
 */
const curveBytes: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  EC: { 'P-256': 32, 'P-384': 48, 'P-521': 66 },
  OKP: { Ed25519: 32 },
}

/**
 * Imports a JWK for one operation.
 *
 * @throws TypeError if the key is of an unsupported type, if `use`, `key_ops` or `alg` contradict
 * the operation or each other, if the key is weaker than its algorithm allows, or if a private key
 * is passed to verify with
 */
export function importJwk(jwk: unknown, operation: KeyOperation): ImportedJwk {
  if (!isObject(jwk)) throw new TypeError('A JWK is an object.')
  checkPurpose(jwk, operation)
  const { kty, alg, kid } = jwk
  if (kid !== undefined && typeof kid !== 'string') throw new TypeError('The kid of a JWK is text.')
  const key = kty === 'oct' ? secretOf(jwk) : halfOfPair(jwk, operation)
  const fitting = algorithmsOf(key)
  const algorithms = alg === undefined ? fitting : fitting.filter((algorithm) => algorithm === alg)
  if (algorithms.length === 0) {
    const reason = alg === undefined ? 'is too short for every algorithm' : `does not fit its alg, ${alg}`
    throw new TypeError(`The key of this JWK ${reason}.`)
  }
  return { key, algorithms, kid }
}

/**
 * Returns a public key for verification. Its algorithm is the JWK's `alg`, or `algorithm`, or the
 * only one that fits its curve.
 *
 * @throws TypeError for an RSA key without an algorithm, for an `algorithm` other than the JWK's,
 * for a key with private members or `use: enc`, and for every key that `importJwk` refuses
 */
export function publicKeyOfJwk(jwk: unknown, algorithm?: SignatureAlgorithm): PinnedKey {
  const { key, algorithms, kid } = importJwk(jwk, 'verify')
  const [pinned, ...others] = algorithm === undefined ? algorithms : algorithms.filter((one) => one === algorithm)
  if (pinned === undefined || isHmacAlgorithm(pinned)) throw new TypeError('This JWK has another algorithm.')
  const isOne = others.every((other) => isSameAlgorithm(other, pinned))
  if (!isOne) throw new TypeError('This JWK fits several algorithms: add an alg to it.')
  return { algorithm: pinned, key, kid }
}

/**
 * Returns the public key of a private or public key as a JWK for a JWKS.
 *
 * @throws TypeError for a secret and for a key that does not fit `alg`
 */
export function publicJwkOf(key: KeyObject, { kid, alg }: { kid: string; alg: SignatureAlgorithm }): PublicJwk {
  if (key.type === 'secret') throw new TypeError('A secret has no public half.')
  checkFit(alg, key)
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const members = publicKey.export({ format: 'jwk' }) as Omit<PublicJwk, 'kid' | 'alg' | 'use'>
  return { ...members, kid, alg, use: 'sig' }
}

/** Checks `use`, `key_ops` and `alg` (RFC 7517 §4.2 to §4.4). */
function checkPurpose({ use, key_ops: operations, alg }: Record<string, unknown>, operation: KeyOperation): void {
  if (use !== undefined && use !== 'sig') throw new TypeError('This JWK is not for signatures: its use says otherwise.')
  if (alg !== undefined && !(typeof alg === 'string' && isAlgorithm(alg))) {
    throw new TypeError('The alg of this JWK is not a supported algorithm.')
  }
  if (operations === undefined) return
  if (!Array.isArray(operations) || new Set(operations).size !== operations.length) {
    throw new TypeError('The key_ops of a JWK is a list without duplicates.')
  }
  if (!operations.includes(operation)) throw new TypeError(`The key_ops of this JWK lacks "${operation}".`)
  if (use === 'sig' && !operations.every((name) => name === 'sign' || name === 'verify')) {
    throw new TypeError('The use and the key_ops of this JWK contradict each other.')
  }
}

function secretOf({ k }: Record<string, unknown>): KeyObject {
  const bytes = typeof k === 'string' ? decodeBase64url(k) : undefined
  if (bytes === undefined || bytes.length === 0) throw new TypeError('The k of a JWK is base64url without padding.')
  return createSecretKey(bytes)
}

function halfOfPair(jwk: Record<string, unknown>, operation: KeyOperation): KeyObject {
  const { kty, crv, oth } = jwk
  const shape = typeof kty === 'string' && Object.hasOwn(shapes, kty) ? shapes[kty] : undefined
  if (typeof kty !== 'string' || shape === undefined) throw new TypeError('The kty of a JWK is oct, EC, OKP or RSA.')
  if (operation === 'verify' && shape.privateMembers.some((name) => jwk[name] !== undefined)) {
    throw new TypeError('Verify with a public JWK: this one has private members.')
  }
  // Node would drop the additional primes and sign with the remaining members.
  if (oth !== undefined) throw new TypeError('RSA keys of more than two primes are not supported.')
  const names = operation === 'sign' ? [...shape.publicMembers, ...shape.privateMembers] : shape.publicMembers
  const members: JsonWebKey = { kty }
  const length = kty === 'RSA' ? undefined : lengthOnCurve(kty, crv)
  if (typeof crv === 'string') members.crv = crv
  for (const name of names) members[name] = checkNumber(name, jwk[name], length)
  try {
    const input = { key: members, format: 'jwk' } as const
    return operation === 'sign' ? createPrivateKey(input) : createPublicKey(input)
  } catch {
    throw new TypeError('The members of this JWK make no key.')
  }
}

function lengthOnCurve(kty: string, crv: unknown): number {
  const lengths = curveBytes[kty] ?? {}
  const length = typeof crv === 'string' && Object.hasOwn(lengths, crv) ? lengths[crv] : undefined
  if (length === undefined)
    throw new TypeError('The crv of a JWK is P-256, P-384, P-521 or Ed25519, as its kty has it.')
  return length
}

/** The text itself, if it is base64url of the right length; Node alone would take any base64. */
function checkNumber(name: string, value: unknown, length: number | undefined): string {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined
  if (typeof value !== 'string' || bytes === undefined || bytes.length === 0) {
    throw new TypeError(`The ${name} of a JWK is base64url without padding.`)
  }
  if (length !== undefined && bytes.length !== length)
    throw new TypeError(`The ${name} of this JWK has ${length} bytes.`)
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
