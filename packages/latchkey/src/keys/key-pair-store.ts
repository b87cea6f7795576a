import type { SignatureAlgorithm } from '../jws/algorithms.js'

/**
 * The stage of a key pair in its rotation: published before its use, signing, or verifying until it
 * retires.
 */
export type KeyPairStage = 'next' | 'current' | 'previous'

/**
 * One stored key pair. The private key is sealed under a master key (C7), so that no store can read
 * it.
 */
export interface KeyPairRecord {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly stage: KeyPairStage
  /** The public key as a JWK (RFC 7517), JSON text. */
  readonly publicJwk: string
  /** ID of the master key that seals the private key. */
  readonly masterKeyId: string
  /** The encrypted private key (PKCS #8 DER) in base64url. */
  readonly sealed: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970 at which a previous key stops verifying; `null` for the others. */
  readonly retiresAt: number | null
}

/** A store of key pairs, for processes that share them. */
export interface KeyPairStore {
  /** Returns all key pairs, in no particular order. Fails with `store_unavailable`. */
  readKeyPairs(): Promise<readonly KeyPairRecord[]>
  /**
   * Replaces the set by the result of `decide`, in one transaction that excludes every other change
   * of the set. The change feed, if the store has one, reports the change. `decide` must be pure,
   * because it may be called again on a conflict; if it returns the same array, nothing is written.
   *
   * @returns the new set
   */
  changeKeyPairs(
    decide: (current: readonly KeyPairRecord[]) => readonly KeyPairRecord[],
  ): Promise<readonly KeyPairRecord[]>
}
