import { checkWhole } from '../check-whole.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { type LatchkeyError, refusal } from '../errors.js'
import { isError } from '../is-error.js'
import { checkRsaAlgorithm, isHmacAlgorithm, type RsaAlgorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'
import { placeOf } from '../remote-url.js'
import { checkJwksUrl, fetchJwks } from './fetch-jwks.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { MissingKids } from './missing-kids.js'
import { type KeyReference, parseKeyReference } from './published-keys.js'
import { type RemoteKey, RemoteKeySet } from './remote-key.js'
import { reportJwksFailure } from './report-jwks-failure.js'

/** Options of `remoteJwks`. */
export interface RemoteJwksOptions {
  /**
   * Seconds after which the keys are fetched again. A key that the issuer has withdrawn can verify
   * tokens for this time.
   *
   * @defaultValue `600`
   */
  readonly maxAge?: number
  /**
   * Seconds after `maxAge` for which the last keys are still used while the issuer cannot be
   * reached. Later tokens are refused with 503.
   *
   * @defaultValue `3600`
   */
  readonly outageTolerance?: number
  /**
   * Least number of seconds between two fetches, at most `maxAge`. It bounds the fetches that
   * forged key IDs or an issuer with errors cause.
   *
   * @defaultValue `30`, or `maxAge` if that is less
   */
  readonly cooldown?: number
  /**
   * Time limit of a fetch in milliseconds.
   *
   * @defaultValue `5000`
   */
  readonly timeout?: number
  /**
   * The algorithm of RSA keys whose JWK has no `alg`; RFC 9068 §2.1 requires every issuer to
   * support `RS256`. The algorithm of other keys without `alg` follows from their curve.
   *
   * @defaultValue `'RS256'`
   */
  readonly algorithm?: RsaAlgorithm
  /**
   * Whether plain http to other machines is allowed, as inside a cluster. An attacker who can
   * change that traffic can then sign for every subject.
   *
   * @defaultValue `false`
   */
  readonly allowHttp?: boolean
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}

/**
 * Creates a key source with the public keys of another service, from its JWKS (RFC 7517 §5). It
 * verifies tokens of that service and cannot sign.
 *
 * The first verification fetches the keys, later ones are synchronous. A new key of the issuer is
 * fetched when the first token names it, but not within `cooldown` after the last fetch. Until then
 * the token is refused with 503 and `Retry-After`, and with 401 only if a fetch after its arrival
 * did not find the key. While the issuer is unavailable, the last keys are used, and fetched again
 * in the background.
 *
 * Each key is pinned to its `alg`, to the algorithm of its curve, or to the option `algorithm`.
 * Symmetric keys, private keys and keys for other uses are ignored. Of several keys with the same
 * `kid` and algorithm, the first is used. A token without `kid` is verified with the only key of
 * its algorithm, and refused if there are several.
 *
 * Each failed fetch is published on the diagnostics channel `latchkey:jwks:failure`; without a
 * subscriber it is a warning of the process.
 *
 * @param url An https URL; http only on this machine, or with `allowHttp`.
 * @returns the key source, to be closed by the caller; its verifications fail with
 * `jwks_unavailable` (503) if the keys cannot be fetched, with the reason as the `cause`
 * @throws TypeError for another URL or invalid options; `signingKey` always throws one
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
  /** The error of the last fetch; `undefined` if it succeeded. */
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
    throw new TypeError('remoteJwks cannot sign: issue tokens with the service that publishes the JWKS.')
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    if (this.#closing.signal.aborted) throw refusal('store_closed')
    const reference = parseKeyReference(headerSegment)
    if (isHmacAlgorithm(reference.alg)) throw refusal('algorithm_refused')
    const nextRead = this.#missing.nextRead
    const known = this.#serving()?.find(reference)
    if (known === undefined) return this.#fetchKey(reference)
    // A failure has no effect yet: the last keys are used until they are too old.
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

  /** Returns the keys that may be used now, also if a new fetch is due. */
  #serving(): RemoteKeySet | undefined {
    if (this.#fetched === undefined) return undefined
    const servesForMs = this.#failure === undefined ? this.#maxAgeMs : this.#maxAgeMs + this.#outageMs
    return elapsedMs(this.#clock, this.#fetched.readAt) <= servesForMs ? this.#fetched.keys : undefined
  }

  /**
   * Returns whether verdicts of a key are still valid: until the next fetch is due, so that a cache
   * of verdicts cannot delay it.
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

  /** `nextRead` is the number of the fetch that was next when the token arrived. */
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
    const cause = keys?.reasonUnusable(kid)
    if (cause !== undefined) throw refusal('kid_unknown', { cause })
    if (keys !== undefined && this.#failure === undefined && this.#missing.isSettled(name)) throw refusal('kid_unknown')
    throw this.#unavailable()
  }

  /**
   * Handles an invalid signature of a token without `kid`: only it shows that the issuer may have a
   * new key.
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
   * Fetches the keys, once for all waiting callers. It never rejects: the result is in `#fetched`
   * and `#failure`.
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
      this.#fail(isError(error) ? error : new Error(String(error)))
    }
  }

  #keep(jwks: readonly unknown[], readAt: Instant): void {
    const before = this.#fetched?.keys
    const options = { rsaAlgorithm: this.#rsaAlgorithm, isServing: (key: RemoteKey) => this.#isServing(key) }
    const keys = new RemoteKeySet(jwks, options, before)
    // Withdrawn keys are known to be missing, so that their tokens are refused at once.
    for (const { kid } of before?.keys ?? []) this.#missing.note(kid, 0)
    this.#fetched = { keys, readAt }
  }

  #fail(error: Error): void {
    const isNew = error.message !== this.#failure?.message
    this.#failure = error
    if (!this.#closing.signal.aborted) reportJwksFailure({ url: placeOf(this.#url), error }, isNew)
  }
}
