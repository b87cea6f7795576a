import { checkTokenType } from '../claims/token-type.js'
import { refusal } from '../errors.js'
import { isSameAlgorithm } from '../jws/algorithms.js'
import { parseHeader } from '../jws/header.js'
import type { PublicJwk } from '../jws/jwk.js'
import type { PublishedKey } from './published-key.js'

/** A JWK Set (RFC 7517 §5) of public keys. */
export interface Jwks {
  readonly keys: readonly PublicJwk[]
}

/** The reference to a key in the header of a token. */
export interface KeyReference {
  readonly kid: string | undefined
  readonly alg: string
}

/** A reference to a key with a `kid`. */
export interface KeyName extends KeyReference {
  readonly kid: string
}

/** The key pairs of one issuer: one signs, all verify. */
export class PublishedKeys {
  readonly current: PublishedKey
  readonly #keys: readonly PublishedKey[]
  readonly #byHeader: ReadonlyMap<string, PublishedKey>
  readonly #byKid: ReadonlyMap<string, PublishedKey>

  /** Throws a TypeError if two keys have the same `kid`. */
  constructor(current: PublishedKey, keys: readonly PublishedKey[]) {
    this.current = current
    this.#keys = keys
    this.#byHeader = new Map(keys.map((key) => [key.headerSegment, key]))
    this.#byKid = new Map(keys.map((key) => [key.kid, key]))
    if (this.#byKid.size !== keys.length)
      throw new TypeError('Two keys have the same kid: use a different one for each key.')
  }

  /** The public keys of all key pairs that still verify. */
  get jwks(): Jwks {
    return { keys: this.#keys.filter((key) => !key.isRetired()).map((key) => key.publicJwk) }
  }

  /** Returns the key whose tokens have this header, without parsing it. */
  withHeader(headerSegment: string): PublishedKey | undefined {
    return this.#byHeader.get(headerSegment)
  }

  withKid(kid: string): PublishedKey | undefined {
    return this.#byKid.get(kid)
  }

  get kids(): Iterable<string> {
    return this.#byKid.keys()
  }

  /**
   * Returns the key of this name, or `undefined`. Throws `algorithm_refused` if it is pinned to
   * another algorithm.
   */
  find({ kid, alg }: KeyName): PublishedKey | undefined {
    const key = this.#byKid.get(kid)
    if (key !== undefined && !isSameAlgorithm(key.algorithm, alg)) throw refusal('algorithm_refused')
    return key
  }
}

/**
 * Parses the reference to the key in the header of an access token. Throws the refusal of a
 * malformed header.
 */
export function parseKeyReference(headerSegment: string): KeyReference {
  const { alg, kid, typ } = parseHeader(headerSegment)
  checkTokenType(typ)
  return { kid, alg }
}

/**
 * Parses the name of the key in the header of an access token. Throws the refusal of a malformed
 * header, and `kid_unknown` without a `kid`.
 */
export function parseKeyName(headerSegment: string): KeyName {
  const { alg, kid } = parseKeyReference(headerSegment)
  if (kid === undefined) throw refusal('kid_unknown')
  return { kid, alg }
}
