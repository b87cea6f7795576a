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

/** A key pair that signs for everybody, and whose public half others verify with. */
export class PublishedKey implements SigningKey, VerifyingKey {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly owner = undefined
  readonly headerSegment: string
  readonly publicJwk: PublicJwk
  readonly #signer: Signer
  readonly #verifier: SignatureVerifier
  readonly #retiresAt: number
  readonly #nowMs: () => number

  /** Throws a TypeError when the key does not fit the algorithm. */
  constructor({ kid, algorithm, privateKey, retiresAt }: KeyPairParts, nowMs: () => number) {
    const publicKey = createPublicKey(privateKey)
    this.kid = kid
    this.algorithm = algorithm
    this.headerSegment = encodeHeader({ alg: algorithm, typ: TOKEN_TYPE, kid })
    this.publicJwk = publicJwkOf(publicKey, { kid, alg: algorithm })
    this.#signer = createSigner(algorithm, privateKey)
    this.#verifier = createVerifier(algorithm, publicKey)
    this.#retiresAt = retiresAt ?? Number.POSITIVE_INFINITY
    this.#nowMs = nowMs
  }

  sign(signingInput: string): string {
    return this.#signer.sign(signingInput)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  isCurrent(): boolean {
    return this.#nowMs() < this.#retiresAt
  }

  refusalOf(): 'reissue_required' | undefined {
    return this.isCurrent() ? undefined : 'reissue_required'
  }
}
