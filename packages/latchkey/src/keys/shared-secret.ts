import { createHmac, type KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { checkTokenType, TOKEN_TYPE } from '../claims/token-type.js'
import { refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { encodeHeader, parseHeader } from '../jws/header.js'
import { HmacKey } from '../jws/hmac-key.js'
import { exportSecret, type SecretKey } from './export-secret.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'

/** Options of `sharedSecret`. */
export interface SharedSecretOptions {
  /**
   * The current secret, then older ones that still verify: bytes, or a string in UTF-8. Each has at
   * least 32, 48 or 64 random bytes (HS256, HS384, HS512). For an entry that is `undefined`, such
   * as an unset environment variable, a TypeError names its position.
   */
  readonly secrets: readonly (Uint8Array | string | undefined)[]
  /**
   * The algorithm of all secrets.
   *
   * @defaultValue `'HS256'`
   */
  readonly algorithm?: HmacAlgorithm
}

/**
 * Creates a key source with one secret for all subjects. To rotate, add a new secret as the first
 * one, and remove the old one when its last token has expired. Nothing can be revoked, and a leaked
 * secret signs for all subjects: `tenantSecrets` solves both.
 *
 * The `kid` of a token is derived from its secret by a one-way function. Tokens of other libraries
 * without that `kid` are refused.
 *
 * @returns the key source
 * @throws TypeError if there is no secret, one is too short, or two are equal
 * @example
 * ```ts
 * import { sharedSecret } from 'latchkey'
 *
 * const { NEW_JWT_SECRET, OLD_JWT_SECRET } = process.env
 * const keys = sharedSecret({ secrets: [NEW_JWT_SECRET, OLD_JWT_SECRET] })
 * ```
 */
export function sharedSecret({ secrets, algorithm = 'HS256' }: SharedSecretOptions): KeySource {
  if (!isHmacAlgorithm(algorithm)) throw new TypeError('algorithm is unknown: use HS256, HS384 or HS512.')
  if (!Array.isArray(secrets)) throw new TypeError('secrets is missing: pass a list, the current secret first.')
  const keys = secrets.map((secret, index) => new SharedKey(algorithm, toBytes(secret, `secrets[${index}]`)))
  return new SharedSecretSource(keys, algorithm)
}

const dayInSec = 86_400

class SharedSecretSource implements KeySource {
  readonly maxTokenTtl = 365 * dayInSec
  readonly #current: SharedKey
  readonly #algorithm: HmacAlgorithm
  readonly #byHeader: ReadonlyMap<string, SharedKey>

  constructor(keys: readonly SharedKey[], algorithm: HmacAlgorithm) {
    const [current] = keys
    if (current === undefined) throw new TypeError('secrets is empty: pass at least one secret, the current one first.')
    this.#current = current
    this.#algorithm = algorithm
    this.#byHeader = new Map(keys.map((key) => [key.headerSegment, key]))
    if (this.#byHeader.size !== keys.length) throw new TypeError('Two secrets are equal: remove one of them.')
  }

  signingKey(): SigningKey {
    return this.#current
  }

  verifyingKey(headerSegment: string): VerifyingKey {
    const known = this.#byHeader.get(headerSegment)
    if (known !== undefined) return known
    const { alg, kid, typ } = parseHeader(headerSegment)
    checkTokenType(typ)
    if (alg !== this.#algorithm) throw refusal('algorithm_refused')
    const named = kid === undefined ? undefined : this.#byHeader.get(headerOf(this.#algorithm, kid))
    if (named === undefined) throw refusal('kid_unknown')
    return named
  }

  async close(): Promise<void> {}
}

class SharedKey implements SigningKey, VerifyingKey, SecretKey {
  readonly kid: string
  readonly algorithm: HmacAlgorithm
  readonly owner = undefined
  readonly grants = undefined
  readonly headerSegment: string
  readonly #hmac: HmacKey

  constructor(algorithm: HmacAlgorithm, secret: Uint8Array) {
    this.#hmac = new HmacKey(algorithm, secret)
    this.algorithm = algorithm
    this.kid = kidOf(secret)
    this.headerSegment = headerOf(algorithm, this.kid)
  }

  sign(signingInput: string): string {
    return this.#hmac.sign(signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#hmac.verify(signingInput, signature)
  }

  [exportSecret](): KeyObject {
    return this.#hmac.keyObject()
  }

  isCurrent(): boolean {
    return true
  }

  refusalOf(): undefined {
    return undefined
  }
}

function toBytes(secret: Uint8Array | string | undefined, name: string): Uint8Array {
  if (typeof secret === 'string') return Buffer.from(secret, 'utf8')
  if (types.isUint8Array(secret)) return secret
  throw new TypeError(
    `${name} is ${secret === undefined ? 'missing' : 'neither a string nor bytes'}: pass 32 random bytes.`,
  )
}

/**
 * Returns the `kid` of a secret: an HMAC under it, which does not reveal it. The text under the
 * HMAC has no dot, so that it cannot be the signing input of a token.
 */
function kidOf(secret: Uint8Array): string {
  return createHmac('sha256', secret)
    .update('latchkey shared-secret kid')
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}

function headerOf(algorithm: HmacAlgorithm, kid: string): string {
  return encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid })
}
