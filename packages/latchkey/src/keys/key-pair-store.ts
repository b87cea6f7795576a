import type { SignatureAlgorithm } from '../jws/algorithms.js'

/**
 * Where a key pair stands in its rotation: published ahead of use, signing, or verifying until it
 * retires.
 */
export type KeyPairStage = 'next' | 'current' | 'previous'

/**
 * One stored key pair. The private key is sealed under a master key (C7): no store ever sees it.
 */
export interface KeyPairRecord {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly stage: KeyPairStage
  /** The public key as a JWK (RFC 7517), JSON text. */
  readonly publicJwk: string
  /** ID of the master key that seals the private key. */
  readonly masterKeyId: string
  /** The encrypted private key (PKCS #8 DER inside) in base64url. */
  readonly sealed: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970 at which a previous key stops verifying; `null` for the others. */
  readonly retiresAt: number | null
}

/** Where key pairs are kept, for processes that share them. */
export interface KeyPairStore {
  /** All key pairs, in no particular order. Fails with `store_unavailable`. */
  readKeyPairs(): Promise<readonly KeyPairRecord[]>
  /**
   * Replaces the set with what `decide` makes of it, in one transaction that excludes every other
   * change of the set, and gives the new set. A change is reported on the change feed, if the store
   * has one. `decide` is pure and may be called again on a conflict; returning the same array
   * writes nothing.
   */
  changeKeyPairs(
    decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
  ): Promise<readonly KeyPairRecord[]>
}
