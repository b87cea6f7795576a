import type { KeyObject } from 'node:crypto'
import { refusal } from '../errors.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type PinnedKey, publicKeyOfJwk } from '../jws/jwk.js'
import { createVerifier, type SignatureVerifier } from '../jws/signature-key.js'
import type { VerifyingKey } from './key-source.js'
import type { KeyName } from './published-keys.js'

/** A public key of another service. */
export class RemoteKey implements VerifyingKey {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly owner = undefined
  readonly grants = undefined
  readonly #key: KeyObject
  readonly #verifier: SignatureVerifier
  readonly #isBelieved: (key: RemoteKey) => boolean

  constructor(kid: string, { algorithm, key }: PinnedKey, isBelieved: (key: RemoteKey) => boolean) {
    this.kid = kid
    this.algorithm = algorithm
    this.#key = key
    this.#verifier = createVerifier(algorithm, key)
    this.#isBelieved = isBelieved
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  isCurrent(): boolean {
    return this.#isBelieved(this)
  }

  refusalOf(): undefined {
    return undefined
  }

  /** Whether this is the same key material. */
  isOf(key: KeyObject): boolean {
    return this.#key.equals(key)
  }
}

/** The usable keys of one answer. */
export class RemoteKeySet {
  readonly #byName = new Map<string, RemoteKey>()
  readonly #kids = new Set<string>()

  /**
   * Takes the keys of a JWK Set that can be used; one that cannot does not hide the others. Of several with the same kid and algorithm the first counts.
   * A key that the set before had is taken over from there, so that what leans on it stays valid.
   */
  constructor(jwks: readonly unknown[], isBelieved: (key: RemoteKey) => boolean, before?: RemoteKeySet) {
    for (const jwk of jwks) {
      const pinned = usableKey(jwk)
      if (pinned?.kid === undefined) continue
      const name = nameOf(pinned.kid, pinned.algorithm)
      if (this.#byName.has(name)) continue
      const known = before?.named(pinned.kid, pinned.algorithm)
      this.#byName.set(name, known?.isOf(pinned.key) ? known : new RemoteKey(pinned.kid, pinned, isBelieved))
      this.#kids.add(pinned.kid)
    }
  }

  named(kid: string, algorithm: string): RemoteKey | undefined {
    return this.#byName.get(nameOf(kid, algorithm))
  }

  /** The key of this name, `undefined` when its kid is none of these. Throws `algorithm_refused` when that kid is pinned to another algorithm. */
  find({ kid, alg }: KeyName): RemoteKey | undefined {
    const key = this.named(kid, alg)
    if (key === undefined && this.#kids.has(kid)) throw refusal('algorithm_refused')
    return key
  }
}

function usableKey(jwk: unknown): PinnedKey | undefined {
  try {
    return publicKeyOfJwk(jwk)
  } catch {
    return undefined
  }
}

function nameOf(kid: string, algorithm: string): string {
  return `${algorithm} ${kid}`
}
