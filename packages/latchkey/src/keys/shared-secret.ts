import { createHmac } from 'node:crypto'
import { checkTokenType, TOKEN_TYPE } from '../claims/token-type.js'
import { refusal } from '../errors.js'
import { type HmacAlgorithm, isHmacAlgorithm } from '../jws/algorithms.js'
import { encodeHeader, parseHeader } from '../jws/header.js'
import { HmacKey } from '../jws/hmac-key.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'

/** Options of `sharedSecret`. */
export interface SharedSecretOptions {
  /**
   * The current secret, then those that still verify: bytes, or text that is taken as UTF-8. Each
   * has at least 32, 48 or 64 bytes (HS256, HS384, HS512); they should be random. For one that is
   * `undefined`, as an environment variable may be, a TypeError says which.
   */
  readonly secrets: readonly (Uint8Array | string | undefined)[]
  /** Default `HS256`. */
  readonly algorithm?: HmacAlgorithm
}

/**
 * One secret for all subjects: the simple mode, with the rotation that it usually lacks. To rotate,
 * put a new secret first and take the old one out when its last token has expired. Nothing can be
 * revoked, and a leaked secret signs for all subjects: use `tenantSecrets` for both.
 *
 * Tokens name their secret by a `kid` that is derived from it one way. Those of other libraries
 * that carry none are refused. Throws a TypeError when there is no secret, one is too short, or two
 * are the same.
 *
 * @example
 * ```ts
 * import { sharedSecret } from 'latchkey'
 *
 * const { NEW_JWT_SECRET, OLD_JWT_SECRET } = process.env
 * const keys = sharedSecret({ secrets: [NEW_JWT_SECRET, OLD_JWT_SECRET] })
 * ```
 */
export function sharedSecret({ secrets, algorithm = 'HS256' }: SharedSecretOptions): KeySource {
  if (!isHmacAlgorithm(algorithm)) throw new TypeError('algorithm is HS256, HS384 or HS512.')
  if (!Array.isArray(secrets)) throw new TypeError('secrets is missing: give a list, the current secret first.')
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
    if (current === undefined) throw new TypeError('secrets is empty: give at least one secret, the current one first.')
    this.#current = current
    this.#algorithm = algorithm
    this.#byHeader = new Map(keys.map((key) => [key.headerSegment, key]))
    if (this.#byHeader.size !== keys.length) throw new TypeError('Two of the secrets are the same.')
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

class SharedKey implements SigningKey, VerifyingKey {
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

  isCurrent(): boolean {
    return true
  }

  refusalOf(): undefined {
    return undefined
  }
}

function toBytes(secret: Uint8Array | string | undefined, name: string): Uint8Array {
  if (typeof secret === 'string') return Buffer.from(secret, 'utf8')
  if (secret instanceof Uint8Array) return secret
  throw new TypeError(
    `${name} is ${secret === undefined ? 'missing' : 'neither text nor bytes'}: give 32 random bytes.`,
  )
}

/**
 * Names a secret without telling anything of it: what an HMAC under it says of a fixed text that,
 * having no dot, is no token's signing input.
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
