import type { Grants } from '../claims/grants.js'
import type { FailureCode } from '../errors.js'
import type { Algorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'

/** A key that signs tokens of one subject. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /** The encoded protected header, `{"alg":…,"typ":"at+jwt","kid":…}` in base64url: the same for every token of the key. */
  readonly headerSegment: string
  /** The only subject this key may speak for; `undefined`: any subject. As the verifying key of the same tokens says it. */
  readonly owner: string | undefined
  /** The signature over the ASCII text `header.payload`, in base64url (RFC 7515 §5.1). */
  sign(signingInput: string): string
  /** Why a token of this session would be refused as soon as it is signed, as the verifying key says it (C10). */
  refusalOf(sessionId: string, nowMs: number): FailureCode | undefined
}

/** A key that verifies tokens, and what must hold besides the signature. */
export interface VerifyingKey {
  readonly kid: string
  readonly algorithm: Algorithm
  /** The only subject this key may speak for (C1); `undefined`: any subject, as for keys that sign for everybody. */
  readonly owner: string | undefined
  /**
   * The stored grants of the owner, frozen, for a key whose holder is no authority on what the owner may do: claims can
   * then only narrow them (C1). `undefined` for a key of an authority, whose claims `roles` and `scope` are the grants.
   * Read once per verification; throws `master_key_missing` or `master_key_wrong` when they cannot be decrypted.
   */
  readonly grants: Grants | undefined
  /**
   * Whether the base64url signature is this key's over the ASCII text `header.payload`; refuses every other encoding of
   * the same bytes. Constant time in the signature.
   */
  verify(signingInput: string, signature: string): boolean
  /**
   * Whether this key may still be believed without asking its source again (C4, C8). Asked at every accept, also of a
   * token that was verified before, so it is synchronous and cheap. Once it answered `false` the key must be asked for anew.
   * `nowMs`: the wall clock as it was just read, in milliseconds since 1970; what else it needs of time it reads itself.
   */
  isCurrent(nowMs: number): boolean
  /** Told that a token of this key has probably come again and the key was not looked up for it: for sources that forget what is not used. */
  use?(): void
  /** Why a token of this key and session is refused at `nowMs` although its signature holds; `undefined` when it is not. */
  refusalOf(sessionId: string | undefined, nowMs: number): FailureCode | undefined
}

/**
 * Told that tokens of this subject which held before may hold no more; of anybody, when it is `undefined`. Never throws. `standsForMs`: milliseconds until what was
 * known of them last is older than knowledge may be; negative when it is so already. Default 0.
 */
export type FreshnessListener = (subject: string | undefined, standsForMs?: number) => void

/** Where signing and verifying keys come from. */
export interface KeySource {
  /**
   * Longest lifetime in seconds (`exp` − `iat`) that a token of these keys may have: longer ones are neither issued nor
   * accepted. `Infinity` where the lifetime is up to another issuer.
   */
  readonly maxTokenTtl: number
  /** The key that signs for `subject` now. Throws `tenant_disabled`, `store_unavailable`, `master_key_missing`. */
  signingKey(subject: string): MaybePromise<SigningKey>
  /**
   * The key that a token's header names. Throws what is wrong with the header (`token_malformed`, `header_refused`,
   * `algorithm_refused`, `type_mismatch`), `kid_unknown` for no kid and for one that was never issued here, `token_revoked`
   * for one that was and has ended, and `store_unavailable` when that cannot be found out.
   */
  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey>
  /**
   * Tells `doubted` from now on, until the function that it gives is called. Doubt costs a look and may be groundless; what ends by the clock
   * alone raises none. Absent where no change is ever told.
   */
  watch?(doubted: FreshnessListener): () => void
  /** Releases connections and timers. Calling twice is harmless. */
  close(): Promise<void>
}
