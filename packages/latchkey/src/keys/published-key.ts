import { createPublicKey, type KeyObject } from 'node:crypto'
import { TOKEN_TYPE } from '../claims/token-type.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { encodeHeader } from '../jws/header.js'
import { type PublicJwk, publicJwkOf } from '../jws/jwk.js'
import { createSigner, createVerifier, type SignatureVerifier, type Signer } from '../jws/signature-key.js'
import type { SigningKey, VerifyingKey } from './key-source.js'

/** The parts of a published key. */
export interface KeyPairParts {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly privateKey: KeyObject
  /** The time at which it stops verifying, in milliseconds since 1970; `null` if not known yet. */
  readonly retiresAt: number | null
}

/** The state of the source of a key. */
export interface KeyPairState {
  /** Returns whether the source has the key, according to fresh data. */
  holds(key: PublishedKey): boolean
  /** Returns whether this time, in milliseconds since 1970, has passed. */
  isPast(timeMs: number): boolean
}

/** A key pair that signs for all subjects. Other services verify with its public key. */
export class PublishedKey implements SigningKey, VerifyingKey {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly owner = undefined
  readonly grants = undefined
  readonly headerSegment: string
  readonly publicJwk: PublicJwk
  readonly retiresAt: number | null
  readonly #signer: Signer
  readonly #verifier: SignatureVerifier
  readonly #state: KeyPairState

  /**
   * Derives the public key from the private one, because an attacker with write access could store
   * another public key.
   *
   * @throws TypeError if the key does not fit the algorithm
   */
  constructor({ kid, algorithm, privateKey, retiresAt }: KeyPairParts, state: KeyPairState) {
    // First, because its error describes the fault of the key.
    this.#signer = createSigner(algorithm, privateKey)
    const publicKey = createPublicKey(privateKey)
    this.kid = kid
    this.algorithm = algorithm
    this.headerSegment = encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid })
    this.publicJwk = Object.freeze(publicJwkOf(publicKey, { kid, alg: algorithm }))
    this.retiresAt = retiresAt
    this.#verifier = createVerifier(algorithm, publicKey)
    this.#state = state
  }

  sign(signingInput: string): string {
    return this.#signer.sign(signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  isCurrent(): boolean {
    return !this.isRetired() && this.#state.holds(this)
  }

  isRetired(): boolean {
    return this.retiresAt !== null && this.#state.isPast(this.retiresAt)
  }

  refusalOf(): 'reissue_required' | undefined {
    return this.isRetired() ? 'reissue_required' : undefined
  }
}
