import type { KeyObject } from 'node:crypto'
import { refusal } from '../errors.js'
import { isSameAlgorithm, type RsaAlgorithm, type SignatureAlgorithm } from '../jws/algorithms.js'
import { type PinnedKey, publicKeyOfJwk } from '../jws/jwk.js'
import { createVerifier, type SignatureVerifier } from '../jws/signature-key.js'
import type { VerifyingKey } from './key-source.js'
import type { KeyReference } from './published-keys.js'

/** A public key of another service. */
export class RemoteKey implements VerifyingKey {
  /** The `kid`; empty for a key without one. */
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly owner = undefined
  readonly grants = undefined
  readonly #key: KeyObject
  readonly #verifier: SignatureVerifier
  readonly #isServing: (key: RemoteKey) => boolean

  constructor({ kid = '', algorithm, key }: PinnedKey, isServing: (key: RemoteKey) => boolean) {
    this.kid = kid
    this.algorithm = algorithm
    this.#key = key
    this.#verifier = createVerifier(algorithm, key)
    this.#isServing = isServing
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  isCurrent(): boolean {
    return this.#isServing(this)
  }

  refusalOf(): undefined {
    return undefined
  }

  /** Returns whether this is the same key with the same `kid`. */
  isOf({ kid = '', algorithm, key }: PinnedKey): boolean {
    return this.kid === kid && this.algorithm === algorithm && this.#key.equals(key)
  }
}

/** Options of a key set. */
export interface RemoteKeySetOptions {
  /** The algorithm of RSA keys without `alg`. */
  readonly rsaAlgorithm: RsaAlgorithm
  readonly isServing: (key: RemoteKey) => boolean
}

/** The usable keys of one JWK Set. */
export class RemoteKeySet {
  readonly keys: readonly RemoteKey[]
  /** The reason for which a key cannot be used, by its `kid`. */
  readonly #unusable = new Map<unknown, unknown>()

  /**
   * Reads the usable keys of a JWK Set; an unusable key does not affect the others. Keys of the
   * previous set are reused, so that verdicts that depend on them stay valid.
   */
  constructor(jwks: readonly unknown[], options: RemoteKeySetOptions, before: RemoteKeySet | undefined) {
    const keys: RemoteKey[] = []
    for (const jwk of jwks) {
      const pinned = this.#read(jwk, options.rsaAlgorithm)
      if (pinned === undefined || keys.some((key) => key.isOf(pinned))) continue
      const known = before?.keys.find((key) => key.isOf(pinned))
      keys.push(known ?? new RemoteKey(pinned, options.isServing))
    }
    this.keys = keys
  }

  /**
   * Returns the key that a header refers to: the first one with the `kid` and the algorithm, or for
   * a header without `kid` the only one of the algorithm; `undefined` if there is none. Throws
   * `algorithm_refused` for a `kid` of another algorithm, and `kid_unknown` if there is no `kid`
   * and several keys fit.
   */
  find({ kid, alg }: KeyReference): RemoteKey | undefined {
    const named = this.keys.filter((key) => kid === undefined || key.kid === kid)
    const [first, ...others] = named.filter((key) => isSameAlgorithm(key.algorithm, alg))
    if (kid === undefined && others.length > 0) {
      const cause = new Error('The token has no kid, and several keys fit.')
      throw refusal('kid_unknown', { cause })
    }
    if (kid !== undefined && first === undefined && named.length > 0) throw refusal('algorithm_refused')
    return first
  }

  /**
   * Returns the reason for which the published key with this `kid` cannot be used; `undefined` for
   * any other.
   */
  reasonUnusable(kid: string | undefined): unknown {
    return this.#unusable.get(kid)
  }

  #read(jwk: unknown, rsaAlgorithm: RsaAlgorithm): PinnedKey | undefined {
    try {
      return publicKeyOfJwk(jwk, isOpenRsa(jwk) ? rsaAlgorithm : undefined)
    } catch (error) {
      if (isObject(jwk)) this.#unusable.set(jwk.kid, error)
      return undefined
    }
  }
}

/**
 * Returns whether a key is an RSA key without `alg`. The member is optional (RFC 7517 §4.4), and
 * only for RSA the algorithm does not follow from the key.
 */
function isOpenRsa(jwk: unknown): boolean {
  return isObject(jwk) && jwk.kty === 'RSA' && jwk.alg === undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
