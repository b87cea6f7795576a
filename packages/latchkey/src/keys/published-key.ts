import { createPublicKey, type KeyObject } from 'node:crypto'
import { TOKEN_TYPE } from '../claims/token-type.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { encodeHeader } from '../jws/header.js'
import { type PublicJwk, publicJwkOf } from '../jws/jwk.js'
import { createSigner, createVerifier, type SignatureVerifier, type Signer } from '../jws/signature-key.js'
import type { SigningKey, VerifyingKey } from './key-source.js'

/** What makes a published key. */
export interface KeyPairParts {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly privateKey: KeyObject
  /** Milliseconds since 1970 at which it stops verifying; `null`: not yet known. */
  readonly retiresAt: number | null
}

/** What a published key asks of whoever holds it. */
export interface KeyPairSurroundings {
  /** Whether the key is one of those that its source holds, as far as that is known now. */
  holds(key: PublishedKey): boolean
  /** Whether a time, in milliseconds since 1970, has come. */
  isPast(timeMs: number): boolean
}

/** A key pair that signs for everybody, and whose public half others verify with. */
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
  readonly #surroundings: KeyPairSurroundings

  /**
   * Throws a TypeError when the key does not fit the algorithm. The public half is made of the private one, never read beside it: a JWK that someone
   * wrote into a store would verify what he signed.
   */
  constructor({ kid, algorithm, privateKey, retiresAt }: KeyPairParts, surroundings: KeyPairSurroundings) {
    // First of all, because it names what an unfit key lacks.
    this.#signer = createSigner(algorithm, privateKey)
    const publicKey = createPublicKey(privateKey)
    this.kid = kid
    this.algorithm = algorithm
    this.headerSegment = encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid })
    this.publicJwk = Object.freeze(publicJwkOf(publicKey, { kid, alg: algorithm }))
    this.retiresAt = retiresAt
    this.#verifier = createVerifier(algorithm, publicKey)
    this.#surroundings = surroundings
  }

  sign(signingInput: string): string {
    return this.#signer.sign(signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  isCurrent(): boolean {
    return !this.isRetired() && this.#surroundings.holds(this)
  }

  isRetired(): boolean {
    return this.retiresAt !== null && this.#surroundings.isPast(this.retiresAt)
  }

  refusalOf(): 'reissue_required' | undefined {
    return this.isRetired() ? 'reissue_required' : undefined
  }
}
