import { checkWhole } from '../check-whole.js'
import { checkTokenType } from '../claims/token-type.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { LatchkeyError, refusal } from '../errors.js'
import type { SignatureAlgorithm } from '../jws/algorithms.js'
import { type JoseHeader, parseHeader } from '../jws/header.js'
import { type PinnedKey, publicKeyOfJwk } from '../jws/jwk.js'
import { createVerifier, type SignatureVerifier } from '../jws/signature-key.js'
import type { MaybePromise } from '../maybe-promise.js'
import { checkJwksUrl, fetchJwks } from './fetch-jwks.js'
import type { KeySource, SigningKey, VerifyingKey } from './key-source.js'

/** Options of `remoteJwks`. */
export interface RemoteJwksOptions {
  /** Seconds after which the keys are fetched again. Default 600. */
  readonly maxAge?: number
  /** Seconds beyond `maxAge` for which the last keys serve while the issuer cannot be reached; then the answer is 503. Default 3600. */
  readonly outageTolerance?: number
  /** Seconds between two fetches, whatever asks for them: forged kids and a broken issuer cause no more. Default 30. */
  readonly cooldown?: number
  /** Milliseconds that a fetch may take. Default 5000. */
  readonly timeout?: number
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/**
 * The public keys of another service, from its JWKS (RFC 7517 §5): verifies what that service signed, and signs nothing. The first verification
 * fetches, later ones are synchronous. A new key of the issuer is fetched when the first token names it. Keys are pinned to their `alg`, or to
 * what their curve implies; symmetric keys, keys for other uses, and RSA keys without `alg` are passed over.
 *
 * Fails with `jwks_unavailable` (503) when the keys cannot be had; `signingKey` throws a TypeError. Throws a TypeError for a URL that is not
 * https, except on this machine.
 */
export function remoteJwks(url: string | URL, options: RemoteJwksOptions = {}): KeySource {
  return new RemoteKeys(checkJwksUrl(url), options)
}

/** The keys of one fetch. */
class FetchedKeys {
  readonly readAt: Instant
  /** Milliseconds after the fetch for which they are believed; longer while the issuer is away. */
  believedForMs: number
  readonly #keys: ReadonlyMap<string, RemoteKey>

  constructor(
    jwks: readonly unknown[],
    { readAt, maxAgeMs, clock }: { readAt: Instant; maxAgeMs: number; clock: Clock },
  ) {
    this.readAt = readAt
    this.believedForMs = maxAgeMs
    const isBelieved = () => elapsedMs(clock, readAt) <= this.believedForMs
    const keys = new Map<string, RemoteKey>()
    for (const jwk of jwks) {
      const pinned = usableKey(jwk)
      if (pinned?.kid === undefined) continue
      const name = nameOf(pinned.kid, pinned.algorithm)
      if (!keys.has(name)) keys.set(name, new RemoteKey(pinned.kid, pinned, isBelieved))
    }
    this.#keys = keys
  }

  find({ kid, alg }: JoseHeader): RemoteKey | undefined {
    return kid === undefined ? undefined : this.#keys.get(nameOf(kid, alg))
  }
}

class RemoteKey implements VerifyingKey {
  readonly kid: string
  readonly algorithm: SignatureAlgorithm
  readonly owner = undefined
  readonly isCurrent: () => boolean
  readonly #verifier: SignatureVerifier

  constructor(kid: string, { algorithm, key }: PinnedKey, isBelieved: () => boolean) {
    this.kid = kid
    this.algorithm = algorithm
    this.isCurrent = isBelieved
    this.#verifier = createVerifier(algorithm, key)
  }

  verify(signingInput: string, signature: string): boolean {
    return this.#verifier.verify(signingInput, signature)
  }

  refusalOf(): undefined {
    return undefined
  }
}

class RemoteKeys implements KeySource {
  readonly maxTokenTtl = 31_536_000
  readonly #url: URL
  readonly #maxAgeMs: number
  readonly #outageMs: number
  readonly #cooldownMs: number
  readonly #timeoutMs: number
  readonly #clock: Clock
  #fetched: FetchedKeys | undefined
  #triedAt: Instant | undefined
  #fetching: Promise<void> | undefined
  #closed = false

  constructor(url: URL, options: RemoteJwksOptions) {
    this.#url = url
    this.#maxAgeMs = checkWhole('maxAge', options.maxAge ?? 600, 1, 86_400) * 1000
    this.#outageMs = checkWhole('outageTolerance', options.outageTolerance ?? 3600, 0, 604_800) * 1000
    this.#cooldownMs = checkWhole('cooldown', options.cooldown ?? 30, 1, 3600) * 1000
    this.#timeoutMs = checkWhole('timeout', options.timeout ?? 5000, 1, 60_000)
    this.#clock = options.clock ?? systemClock
  }

  signingKey(): SigningKey {
    throw new TypeError('remoteJwks only verifies: the service behind the JWKS signs.')
  }

  verifyingKey(headerSegment: string): MaybePromise<VerifyingKey> {
    if (this.#closed) throw refusal('store_closed')
    const header = parseHeader(headerSegment)
    checkTokenType(header.typ)
    const known = this.#fetched?.find(header)
    if (known?.isCurrent()) return known
    return this.#fetchKey(header)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#fetched = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #fetchKey(header: JoseHeader): Promise<VerifyingKey> {
    if (this.#mayFetch()) {
      this.#fetching ??= this.#fetch().finally(() => {
        this.#fetching = undefined
      })
    }
    await this.#fetching
    const keys = this.#fetched
    if (keys === undefined || elapsedMs(this.#clock, keys.readAt) > keys.believedForMs)
      throw refusal('jwks_unavailable')
    const key = keys.find(header)
    if (key === undefined) throw refusal('kid_unknown')
    return key
  }

  #mayFetch(): boolean {
    return this.#triedAt === undefined || elapsedMs(this.#clock, this.#triedAt) >= this.#cooldownMs
  }

  async #fetch(): Promise<void> {
    const readAt = instantOf(this.#clock)
    this.#triedAt = readAt
    try {
      const jwks = await fetchJwks(this.#url, { timeoutMs: this.#timeoutMs })
      this.#fetched = new FetchedKeys(jwks, { readAt, maxAgeMs: this.#maxAgeMs, clock: this.#clock })
    } catch (error) {
      if (this.#fetched === undefined) throw new LatchkeyError('jwks_unavailable', { cause: error })
      // Until the next try, and no longer than was promised.
      const untilNextTryMs = elapsedMs(this.#clock, this.#fetched.readAt) + this.#cooldownMs
      this.#fetched.believedForMs = Math.min(untilNextTryMs, this.#maxAgeMs + this.#outageMs)
    }
  }
}

/** One key that cannot be used must not hide the others. */
function usableKey(jwk: unknown): PinnedKey | undefined {
  try {
    return publicKeyOfJwk(jwk)
  } catch {
    return undefined
  }
}

function nameOf(kid: string, algorithm: string): string {
  return `${algorithm} ${kid}`
}
