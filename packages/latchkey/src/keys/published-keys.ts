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

/** What a header states of its key. */
export interface KeyReference {
  readonly kid: string | undefined
  readonly alg: string
}

/** A reference to a key by its name. */
export interface KeyName extends KeyReference {
  readonly kid: string
}

/** The key pairs of one issuer at one time: one signs, all verify. */
export class PublishedKeys {
  readonly current: PublishedKey
  readonly #keys: readonly PublishedKey[]
  readonly #byHeader: ReadonlyMap<string, PublishedKey>
  readonly #byKid: ReadonlyMap<string, PublishedKey>

  /** Throws a TypeError when two keys have the same kid. */
  constructor(current: PublishedKey, keys: readonly PublishedKey[]) {
    this.current = current
    this.#keys = keys
    this.#byHeader = new Map(keys.map((key) => [key.headerSegment, key]))
    this.#byKid = new Map(keys.map((key) => [key.kid, key]))
    if (this.#byKid.size !== keys.length) throw new TypeError('Two keys have the same kid; give every key its own.')
  }

  /** The public halves of all that still verify. */
  get jwks(): Jwks {
    return { keys: this.#keys.filter((key) => !key.isRetired()).map((key) => key.publicJwk) }
  }

  /** The key whose own header this is: those of our tokens need not be parsed. */
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
   * The key of this name, `undefined` when it is none of these. Throws `algorithm_refused` when it
   * is pinned to another algorithm.
   */
  find({ kid, alg }: KeyName): PublishedKey | undefined {
    const key = this.#byKid.get(kid)
    if (key !== undefined && !isSameAlgorithm(key.algorithm, alg)) throw refusal('algorithm_refused')
    return key
  }
}

/**
 * Returns what an access token's header states of its key. Throws what is wrong with the header.
 */
export function parseKeyReference(headerSegment: string): KeyReference {
  const { alg, kid, typ } = parseHeader(headerSegment)
  checkTokenType(typ)
  return { kid, alg }
}

/**
 * Returns the name of the key that an access token's header states. Throws what is wrong with the
 * header, and `kid_unknown` when it names none.
 */
export function parseKeyName(headerSegment: string): KeyName {
  const { alg, kid } = parseKeyReference(headerSegment)
  if (kid === undefined) throw refusal('kid_unknown')
  return { kid, alg }
}
