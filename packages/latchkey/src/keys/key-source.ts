import type { Claims } from '../claims/check-claims.js'
import type { Grants } from '../claims/grants.js'
import type { FailureCode } from '../errors.js'
import type { Algorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'

/** A key that signs tokens of one subject. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /**
   * The protected header in base64url, `{"alg":…,"typ":"at+jwt","kid":…}`: the same for every
   * token.
   */
  readonly headerSegment: string
  /** The only subject of its tokens; `undefined` for any subject. */
  readonly owner: string | undefined
  /** Returns the signature over the ASCII string `header.payload` in base64url (RFC 7515 §5.1). */
  sign(signingInput: string): string
  /**
   * Returns the code with which a new token of this session would be refused (C10), or `undefined`.
   */
  refusalOf(sessionId: string, nowMs: number): FailureCode | undefined
}

/** A key that verifies tokens, and the conditions beside the signature. */
export interface VerifyingKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /** The only subject of its tokens (C1); `undefined` for any subject, as for a shared key. */
  readonly owner: string | undefined
  /**
   * The stored grants of the owner, frozen; claims can only narrow them (C1). `undefined` for a key
   * of an authority, whose claims `roles` and `scope` are the grants. Read once per verification.
   *
   * @throws `master_key_missing`, `master_key_wrong` if they cannot be decrypted
   */
  readonly grants: Grants | undefined
  /**
   * Returns whether the base64url signature over the ASCII string `header.payload` is valid. Other
   * encodings of the same bytes are not. Constant time in the signature.
   */
  verify(signingInput: string, signature: string): boolean
  /**
   * Returns whether this key may be used without a new request to its source (C4, C8). Called
   * whenever a token is accepted, including one that was verified before, so it is synchronous and
   * cheap. After `false` the key must be requested from the source again.
   *
   * @param nowMs The wall clock in milliseconds since 1970, just read by the caller.
   */
  isCurrent(nowMs: number): boolean
  /** Records a use without a request to the source, so that its cache does not evict the key. */
  use?(): void
  /** Returns the code with which a token of this session is refused at `nowMs`, or `undefined`. */
  refusalOf(sessionId: string | undefined, nowMs: number): FailureCode | undefined
}

/**
 * Called when valid tokens of this subject may have become invalid; `undefined` stands for all
 * subjects. Must not throw.
 *
 * `freshForMs`: milliseconds until the data about them exceeds `maxStaleness`; negative if it does
 * already. The default is 0.
 */
export type FreshnessListener = (subject: string | undefined, freshForMs?: number) => void

/** The claims that complete a legacy token without them, and the tolerance of the verifier. */
export interface LegacyVerifier {
  readonly issuer: string
  readonly audience: string | readonly string[]
  /** Seconds by which clocks may differ. */
  readonly toleranceSec: number
}

/** The tenant of a legacy token. */
export interface LegacyTenant {
  /** The stored grants of the tenant; none if it does not exist (C1). */
  readonly grants: Grants
  /** As `VerifyingKey.isCurrent` (C4, C8). */
  isCurrent(nowMs: number): boolean
  /** As `VerifyingKey.use`. */
  use(): void
  /** Returns the code with which the token is refused at `nowMs`, or `undefined`. */
  refusalOf(nowMs: number): FailureCode | undefined
}

/** A legacy token with a valid signature. Times and tenant are not checked yet. */
export interface LegacyToken {
  readonly claims: Claims
  readonly tenant: LegacyTenant
}

/** The legacy tokens that a key source accepts: those which another library signed before. */
export interface LegacySource {
  /**
   * Returns the key as `verifyingKey` does, or `undefined` for a header that names no key ID of the
   * source. The token is then a legacy token or none at all. A key ID that was issued here never
   * leads to a legacy token, and no other header leads to a tenant's key.
   */
  ownKey(headerSegment: string): MaybePromise<VerifyingKey | undefined>
  /**
   * Verifies the signature of a legacy token, and reads its tenant.
   *
   * @throws as `LegacyTokens.read`, and `store_unavailable` if the tenant cannot be read
   */
  open(token: string, verifier: LegacyVerifier): MaybePromise<LegacyToken>
}

/** A token that its issuer has stated to be active (RFC 7662 §2.2). */
export interface IntrospectedToken {
  /** The claims in the answer, frozen. Issuer, audience and times are not checked yet. */
  readonly claims: Claims
  /** The rights in the answer, frozen. */
  readonly grants: Grants
  /**
   * Returns whether the answer may be used for a later verification (C4, C8), as
   * `VerifyingKey.isCurrent`.
   */
  isCurrent(nowMs: number): boolean
}

/** The issuer of tokens, which is asked about each of them. */
export interface TokenIntrospector {
  /**
   * Milliseconds after which a token that is watched is verified again, because the issuer does not
   * report changes.
   */
  readonly watchIntervalMs: number
  /**
   * Returns what the issuer states about a token.
   *
   * @param claimed The claims of the token, whose types, issuer, audience and times the caller has
   * checked. Its signature was not verified.
   * @throws `token_inactive` for a token that is not active, `introspection_mismatch` for an answer
   * about another one, and `introspection_unavailable` without an answer
   */
  introspect(token: string, claimed: Claims): MaybePromise<IntrospectedToken>
}

/** The source of signing and verifying keys. */
export interface KeySource {
  /**
   * Longest lifetime of a token in seconds (`exp` − `iat`). Longer tokens are neither issued nor
   * accepted. `Infinity` if another issuer decides.
   */
  readonly maxTokenTtl: number
  /**
   * Returns the key that signs for `subject`.
   *
   * @throws `tenant_disabled`, `tenant_invalid`, `store_unavailable`, `master_key_missing`
   */
  signingKey(subject: string): MaybePromise<SigningKey>
  /**
   * Returns the key that a token's header names.
   *
   * @throws `token_malformed`, `header_refused`, `algorithm_refused` or `type_mismatch` for the
   * header, `kid_unknown` for a key ID that is missing or was never issued here, `token_revoked`
   * for one that has ended, and `store_unavailable` if the key cannot be read
   */
  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey>
  /** Decides on tokens in place of keys, for a source without any. `verifyingKey` is not called. */
  readonly introspector?: TokenIntrospector | undefined
  /** The legacy tokens that are accepted as well, if any are. `verifyingKey` refuses them. */
  readonly legacy?: LegacySource | undefined
  /**
   * Calls `listener` whenever tokens may have become invalid. A call may be a false alarm, and
   * there is none for tokens that only expire. Absent for a source that reports no changes.
   *
   * @returns a function that removes the listener
   */
  watch?(listener: FreshnessListener): () => void
  /** Releases connections and timers. A second call does nothing. */
  close(): Promise<void>
}
