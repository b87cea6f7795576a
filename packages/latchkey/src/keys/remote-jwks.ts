import { checkWhole } from '../check-whole.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { type LatchkeyError, refusal } from '../errors.js'
import { checkRsaAlgorithm, isHmacAlgorithm, type RsaAlgorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'
import { checkJwksUrl, fetchJwks, placeOf } from './fetch-jwks.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { MissingKids } from './missing-kids.js'
import { type KeyReference, parseKeyReference } from './published-keys.js'
import { type RemoteKey, RemoteKeySet } from './remote-key.js'
import { reportJwksFailure } from './report-jwks-failure.js'

/** Options of `remoteJwks`. */
export interface RemoteJwksOptions {
  /**
   * Seconds after which the keys are fetched again: for so long a key that the issuer withdrew may
   * go on verifying. Default 600.
   */
  readonly maxAge?: number
  /**
   * Seconds beyond `maxAge` for which the last keys serve while the issuer cannot be reached; then
   * the answer is 503. Default 3600.
   */
  readonly outageTolerance?: number
  /**
   * Seconds between two fetches, whatever asks for them: forged kids and a broken issuer cause no
   * more. At most `maxAge`; default 30, or `maxAge` if that is less.
   */
  readonly cooldown?: number
  /** Milliseconds that a fetch may take. Default 5000. */
  readonly timeout?: number
  /**
   * The algorithm of RSA keys whose JWK has no `alg`, which would fit any of six. Default `RS256`,
   * which RFC 9068 §2.1 requires of every issuer. Other keys without `alg` are pinned to what their
   * curve implies.
   */
  readonly algorithm?: RsaAlgorithm
  /**
   * Allows plain http to other machines, as inside a cluster or a compose network. An attacker
   * who can change what that network carries can then sign for every subject. Default `false`.
   */
  readonly allowHttp?: boolean
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/**
 * The public keys of another service, from its JWKS (RFC 7517 §5): verifies what that service
 * signed, and signs nothing. The first verification fetches, later ones are synchronous. A new key
 * of the issuer is fetched when the first token names it, but not within `cooldown` after the last
 * fetch: such a token is answered 503 with `Retry-After`, because the issuer may have that key by
 * now, and 401 only once the issuer was asked after the token came. While the issuer is away the
 * last keys serve, and it is asked again in the background.
 *
 * Keys are pinned to their `alg`, or to what their curve implies, or to the option `algorithm`.
 * Symmetric keys, keys for other uses and private keys are passed over; of several with the same
 * `kid` and algorithm the first counts. A token without `kid` is verified with the only key of its
 * algorithm; where there are several it is refused.
 *
 * Fails with `jwks_unavailable` (503) when the keys cannot be had; the error's `cause` names the
 * reason. Each failed fetch is published on the diagnostics channel `latchkey:jwks:failure`, and is
 * a warning of the process where nothing subscribes to that. `signingKey` throws a TypeError.
 * Throws a TypeError for a URL that is not https, except on this machine or with `allowHttp`.
 *
 * @example
 * ```ts
 * import { remoteJwks } from 'latchkey'
 *
 * const keys = remoteJwks('https://auth.example.com/.well-known/jwks.json')
 * ```
 */
export function remoteJwks(url: string | URL, options: RemoteJwksOptions = {}): KeySource {
  return new RemoteKeys(checkJwksUrl(url, { allowHttp: options.allowHttp === true }), options)
}

interface Fetched {
  readonly keys: RemoteKeySet
  readonly readAt: Instant
}

class RemoteKeys implements KeySource {
  readonly maxTokenTtl = Number.POSITIVE_INFINITY
  readonly #url: URL
  readonly #maxAgeMs: number
  readonly #outageMs: number
  readonly #cooldownMs: number
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #rsaAlgorithm: RsaAlgorithm
  readonly #missing = new MissingKids()
  readonly #closing = new AbortController()
  #fetched: Fetched | undefined
  #fetching: Promise<void> | undefined
  #triedAt: Instant | undefined
  /** Why the last fetch failed; `undefined` when it did not. */
  #failure: Error | undefined

  constructor(url: URL, options: RemoteJwksOptions) {
    const maxAge = checkWhole('maxAge', options.maxAge ?? 600, 1, 86_400)
    this.#url = url
    this.#maxAgeMs = maxAge * 1000
    this.#outageMs = checkWhole('outageTolerance', options.outageTolerance ?? 3600, 0, 604_800) * 1000
    this.#cooldownMs = checkWhole('cooldown', options.cooldown ?? Math.min(30, maxAge), 1, maxAge) * 1000
    this.#timeoutMs = checkWhole('timeout', options.timeout ?? 5000, 1, 60_000)
    this.#clock = options.clock ?? systemClock
    this.#rsaAlgorithm = checkRsaAlgorithm('algorithm', options.algorithm ?? 'RS256')
  }

  signingKey(): SigningKey {
    throw new TypeError('remoteJwks only verifies: the service behind the JWKS signs.')
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    if (this.#closing.signal.aborted) throw refusal('store_closed')
    const reference = parseKeyReference(headerSegment)
    if (isHmacAlgorithm(reference.alg)) throw refusal('algorithm_refused')
    const nextRead = this.#missing.nextRead
    const known = this.#serving()?.find(reference)
    if (known === undefined) return this.#fetchKey(reference)
    // A failure changes nothing for now: the last keys serve until they are too old.
    if (this.#isRetryDue()) void this.#fetch()
    return this.#keyFor(reference, known, nextRead)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#fetched = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Returns the keys that may be used now, whether or not it is time to ask the issuer again. */
  #serving(): RemoteKeySet | undefined {
    if (this.#fetched === undefined) return undefined
    const servesForMs = this.#failure === undefined ? this.#maxAgeMs : this.#maxAgeMs + this.#outageMs
    return elapsedMs(this.#clock, this.#fetched.readAt) <= servesForMs ? this.#fetched.keys : undefined
  }

  /**
   * A verdict holds no longer than until the issuer has to be asked again, so that no cache of
   * verdicts keeps it from being asked.
   */
  #isServing(key: RemoteKey): boolean {
    return this.#serving()?.keys.includes(key) === true && !this.#isRetryDue()
  }

  #isRetryDue(): boolean {
    return this.#failure !== undefined && this.#fetching === undefined && this.#mayFetch()
  }

  #mayFetch(): boolean {
    return this.#cooldownLeftMs() <= 0
  }

  #cooldownLeftMs(): number {
    return this.#triedAt === undefined ? 0 : this.#cooldownMs - elapsedMs(this.#clock, this.#triedAt)
  }

  /** `nextRead`: the number of the next fetch when the token came. */
  #keyFor({ kid }: KeyReference, key: RemoteKey, nextRead: number): VerifyingKey {
    if (kid !== undefined) return key
    return {
      ...key,
      verify: (signingInput, signature) =>
        key.verify(signingInput, signature) || this.#refuseUnnamed(signature, nextRead),
      isCurrent: () => key.isCurrent(),
      refusalOf: () => key.refusalOf(),
    }
  }

  async #fetchKey(reference: KeyReference): Promise<VerifyingKey> {
    const { kid, alg } = reference
    const nextRead = this.#missing.nextRead
    const name = kid ?? alg
    this.#missing.note(name)
    if (this.#fetching !== undefined || this.#mayFetch()) await this.#fetch()
    const keys = this.#serving()
    const key = keys?.find(reference)
    if (key !== undefined) return this.#keyFor(reference, key, nextRead)
    const cause = keys?.reasonAgainst(kid)
    if (cause !== undefined) throw refusal('kid_unknown', { cause })
    if (keys !== undefined && this.#failure === undefined && this.#missing.isSettled(name)) throw refusal('kid_unknown')
    throw this.#unavailable()
  }

  /**
   * Without a kid only a signature that does not hold shows that the issuer may have another key by
   * now.
   */
  #refuseUnnamed(signature: string, nextRead: number): false {
    this.#missing.note(signature, nextRead)
    if (this.#missing.isSettled(signature)) return false
    if (this.#mayFetch()) void this.#fetch()
    throw this.#unavailable()
  }

  #unavailable(): LatchkeyError {
    const leftMs = this.#fetching === undefined ? this.#cooldownLeftMs() : 0
    const cause = this.#failure ?? new Error('The cooldown has not passed yet.')
    return refusal('jwks_unavailable', { cause, retryAfterSec: Math.max(1, Math.ceil(leftMs / 1000)) })
  }

  /**
   * Asks the issuer, once for all who wait. Never fails: what came of it is in `#fetched` and
   * `#failure`.
   */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(): Promise<void> {
    const readAt = instantOf(this.#clock)
    const read = this.#missing.beginRead()
    this.#triedAt = readAt
    try {
      const jwks = await fetchJwks(this.#url, { timeoutMs: this.#timeoutMs, signal: this.#closing.signal })
      this.#keep(jwks, readAt)
      this.#missing.endRead(read)
      this.#failure = undefined
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #keep(jwks: readonly unknown[], readAt: Instant): void {
    const before = this.#fetched?.keys
    const options = { rsaAlgorithm: this.#rsaAlgorithm, isServing: (key: RemoteKey) => this.#isServing(key) }
    const keys = new RemoteKeySet(jwks, options, before)
    // What was withdrawn is known not to be there: its tokens are refused at once.
    for (const { kid } of before?.keys ?? []) this.#missing.note(kid, 0)
    this.#fetched = { keys, readAt }
  }

  #fail(error: Error): void {
    const isNew = error.message !== this.#failure?.message
    this.#failure = error
    if (!this.#closing.signal.aborted) reportJwksFailure({ url: placeOf(this.#url), error }, isNew)
  }
}
