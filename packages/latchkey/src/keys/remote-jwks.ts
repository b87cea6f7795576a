import { checkWhole } from '../check-whole.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { LatchkeyError, refusal } from '../errors.js'
import { isHmacAlgorithm } from '../jws/algorithms.js'
import type { MaybePromise } from '../maybe-promise.js'
import { checkJwksUrl, fetchJwks } from './fetch-jwks.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'
import { type KeyName, parseKeyName } from './published-keys.js'
import { type RemoteKey, RemoteKeySet } from './remote-key.js'

/** Options of `remoteJwks`. */
export interface RemoteJwksOptions {
  /** Seconds after which the keys are fetched again: for so long a key that the issuer withdrew may go on verifying. Default 600. */
  readonly maxAge?: number
  /** Seconds beyond `maxAge` for which the last keys serve while the issuer cannot be reached; then the answer is 503. Default 3600. */
  readonly outageTolerance?: number
  /** Seconds between two fetches, whatever asks for them: forged kids and a broken issuer cause no more. At most `maxAge`; default 30, or `maxAge` if that is less. */
  readonly cooldown?: number
  /** Milliseconds that a fetch may take. Default 5000. */
  readonly timeout?: number
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/**
 * The public keys of another service, from its JWKS (RFC 7517 §5): verifies what that service signed, and signs nothing. The first verification
 * fetches, later ones are synchronous. A new key of the issuer is fetched when the first token names it. While the issuer is away the last keys serve, and
 * it is asked again in the background.
 *
 * Keys are pinned to their `alg`, or to what their curve implies. Symmetric keys, keys for other uses, keys without `kid` and RSA keys without `alg` are
 * passed over; of several with the same `kid` and algorithm the first counts.
 *
 * Fails with `jwks_unavailable` (503) when the keys cannot be had; `signingKey` throws a TypeError. Throws a TypeError for a URL that is not
 * https, except on this machine.
 *
 * @example
 * const keys = remoteJwks('https://auth.example.com/.well-known/jwks.json')
 */
export function remoteJwks(url: string | URL, options: RemoteJwksOptions = {}): KeySource {
  return new RemoteKeys(checkJwksUrl(url), options)
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
  readonly #closing = new AbortController()
  #fetched: Fetched | undefined
  #fetching: Promise<void> | undefined
  #triedAt: Instant | undefined
  /** Whether the last fetch failed. */
  #isAway = false

  constructor(url: URL, options: RemoteJwksOptions) {
    const maxAge = checkWhole('maxAge', options.maxAge ?? 600, 1, 86_400)
    this.#url = url
    this.#maxAgeMs = maxAge * 1000
    this.#outageMs = checkWhole('outageTolerance', options.outageTolerance ?? 3600, 0, 604_800) * 1000
    this.#cooldownMs = checkWhole('cooldown', options.cooldown ?? Math.min(30, maxAge), 1, maxAge) * 1000
    this.#timeoutMs = checkWhole('timeout', options.timeout ?? 5000, 1, 60_000)
    this.#clock = options.clock ?? systemClock
  }

  signingKey(): SigningKey {
    throw new TypeError('remoteJwks only verifies: the service behind the JWKS signs.')
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    if (this.#closing.signal.aborted) throw refusal('store_closed')
    const name = parseKeyName(headerSegment)
    if (isHmacAlgorithm(name.alg)) throw refusal('algorithm_refused')
    const known = this.#serving()?.find(name)
    if (known === undefined) return this.#fetchKey(name)
    // A failure changes nothing for now: what is known serves until it is too old.
    if (this.#isRetryDue()) this.#fetch().catch(() => {})
    return known
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#fetched = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The keys that may be believed now, whether or not it is time to ask the issuer again. */
  #serving(): RemoteKeySet | undefined {
    if (this.#fetched === undefined) return undefined
    const believedForMs = this.#isAway ? this.#maxAgeMs + this.#outageMs : this.#maxAgeMs
    return elapsedMs(this.#clock, this.#fetched.readAt) <= believedForMs ? this.#fetched.keys : undefined
  }

  /** What is leant on a key holds no longer than the issuer may be left alone, so that no cache of verdicts keeps it from being asked. */
  #isBelieved(key: RemoteKey): boolean {
    return this.#serving()?.named(key.kid, key.algorithm) === key && !this.#isRetryDue()
  }

  #isRetryDue(): boolean {
    return this.#isAway && this.#fetching === undefined && this.#mayFetch()
  }

  #mayFetch(): boolean {
    return this.#triedAt === undefined || elapsedMs(this.#clock, this.#triedAt) >= this.#cooldownMs
  }

  async #fetchKey(name: KeyName): Promise<VerifyingKey> {
    if (this.#fetching !== undefined || this.#mayFetch()) await this.#fetch()
    const key = this.#serving()?.find(name)
    if (key !== undefined) return key
    // Whether the issuer has a key of this name can be said only when it has just been asked.
    throw refusal(this.#isAway || this.#serving() === undefined ? 'jwks_unavailable' : 'kid_unknown')
  }

  /** Asks the issuer, once for all who wait. Fails with `jwks_unavailable` when there is nothing to go on with. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(): Promise<void> {
    const readAt = instantOf(this.#clock)
    this.#triedAt = readAt
    try {
      const jwks = await fetchJwks(this.#url, { timeoutMs: this.#timeoutMs, signal: this.#closing.signal })
      const keys = new RemoteKeySet(jwks, (key) => this.#isBelieved(key), this.#fetched?.keys)
      this.#fetched = { keys, readAt }
      this.#isAway = false
    } catch (error) {
      this.#isAway = true
      if (this.#serving() === undefined) throw new LatchkeyError('jwks_unavailable', { cause: error })
    }
  }
}
