import { createHash } from 'node:crypto'
import { BoundedMap } from '../bounded-map.js'
import { checkWhole } from '../check-whole.js'
import type { Claims } from '../claims/check-claims.js'
import { type Clock, elapsedMs, type Instant, instantOf, systemClock } from '../clock.js'
import { isLatchkeyError, type LatchkeyError, refusal } from '../errors.js'
import type { IntrospectedToken, KeySource, TokenIntrospector } from '../keys/key-source.js'
import type { MaybePromise } from '../maybe-promise.js'
import { reasonOf } from '../remote-response.js'
import { checkRemoteUrl, placeOf } from '../remote-url.js'
import { Semaphore } from '../semaphore.js'
import { authorizationOf } from './authorization.js'
import { CircuitBreaker } from './circuit-breaker.js'
import { type ActiveToken, parseAnswer } from './introspection-answer.js'
import type { IntrospectionOptions } from './introspection-options.js'
import { EndpointFailure, requestIntrospection } from './introspection-request.js'
import { reportIntrospectionFailure } from './report-introspection-failure.js'

/**
 * Creates a key source that asks the issuer about each token (RFC 7662). It holds no key: an
 * attacker with this process can ask about tokens, and cannot sign one.
 *
 * An answer is used for `cacheTtl`, and verifications of one token share a request that started
 * less than `cacheTtl` ago. So a token is accepted until the bound of the issuer plus `cacheTtl`
 * after its revocation: 4 s with the defaults here and the `maxStaleness` of `@latchkey/server`.
 *
 * A token that is malformed, expired, or for another issuer or audience is refused without a
 * request. The answer must describe the same token, and passes the same checks. Claims and grants
 * of the identity are those of the answer.
 *
 * Without a usable answer a verification fails with `introspection_unavailable` (503) and
 * `Retry-After`; the reason is the `cause`. It is also published on the diagnostics channel
 * `latchkey:introspection:failure`, or is a warning of the process without a subscriber. While the
 * endpoint is unavailable, or refuses the credentials, one request at a time probes it.
 *
 * A connection that is watched is verified again after each `cacheTtl`, at least one second.
 *
 * @returns the key source, to be closed by the caller
 * @throws TypeError for a URL that is not https, credentials that are missing, or invalid options;
 * `signingKey` and `verifyingKey` always throw one
 * @example
 * ```ts
 * import { createLatchkey } from 'latchkey'
 * import { introspection } from 'latchkey/introspection'
 *
 * const { CLIENT_ID, CLIENT_SECRET } = process.env
 * const keys = introspection({
 *   url: 'https://auth.example.com/oauth/introspect',
 *   clientId: CLIENT_ID,
 *   clientSecret: CLIENT_SECRET,
 * })
 * const latchkey = createLatchkey({ issuer: 'https://auth.example.com', audience: 'api', keys })
 * ```
 */
export function introspection(options: IntrospectionOptions): KeySource {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('url is missing: pass the introspection endpoint and the credentials of this API.')
  const { url, allowHttp } = options
  const resource = 'an introspection endpoint'
  const example = 'https://host/oauth/introspect'
  const checked = checkRemoteUrl(url, { resource, example, allowHttp: allowHttp === true })
  return new IntrospectedTokens(checked, authorizationOf(options), options)
}

/** The shortest interval between two checks of a token that is watched. */
const shortestWatchMs = 1000
/** How many verifications may wait for each place. */
const waitingPerPlace = 20

/** An answer in memory, or one for the verifications that wait for it. */
interface Answer {
  /** The claims and grants; `undefined` for a token that is not active. */
  readonly described: ActiveToken | undefined
  /** The start of the request: the data is not newer. */
  readonly startedAt: Instant
  recentlyUsed: boolean
}

interface Pending {
  readonly answer: Promise<Answer>
  readonly startedAt: Instant
}

class IntrospectedTokens implements KeySource, TokenIntrospector {
  readonly maxTokenTtl: number
  readonly watchIntervalMs: number
  readonly #url: URL
  readonly #authorization: string
  readonly #cacheTtlMs: number
  readonly #timeoutMs: number
  readonly #clock: Clock
  /** By the SHA-256 of the token, so that no token is in this memory. */
  readonly #answers: BoundedMap<string, Answer>
  readonly #pending = new Map<string, Pending>()
  readonly #places: Semaphore
  readonly #maxWaiting: number
  readonly #breaker: CircuitBreaker
  readonly #closing = new AbortController()
  /** The reasons that were reported since the endpoint was last unavailable. */
  readonly #reported = new Set<string>()
  /** The reason for which the breaker is open. */
  #outage: Error | undefined

  constructor(url: URL, authorization: string, options: IntrospectionOptions) {
    const { maxTokenTtl, clock = systemClock } = options
    const maxConcurrent = checkWhole('maxConcurrent', options.maxConcurrent ?? 50, 1, 1000)
    this.#url = url
    this.#authorization = authorization
    this.#cacheTtlMs = checkWhole('cacheTtl', options.cacheTtl ?? 2000, 0, 60_000)
    this.#timeoutMs = checkWhole('timeout', options.timeout ?? 2000, 1, 60_000)
    this.#clock = clock
    this.#answers = new BoundedMap(checkWhole('maxCached', options.maxCached ?? 10_000, 1, 1_000_000))
    this.#places = new Semaphore(maxConcurrent, this.#timeoutMs)
    this.#maxWaiting = maxConcurrent * waitingPerPlace
    this.#breaker = new CircuitBreaker(clock, this.#timeoutMs)
    this.watchIntervalMs = Math.max(this.#cacheTtlMs, shortestWatchMs)
    this.maxTokenTtl =
      maxTokenTtl === undefined ? Number.POSITIVE_INFINITY : checkWhole('maxTokenTtl', maxTokenTtl, 1, 31_536_000)
  }

  get introspector(): TokenIntrospector {
    return this
  }

  signingKey(): never {
    throw new TypeError('introspection cannot sign: issue tokens with the service that introspects them.')
  }

  verifyingKey(): never {
    throw new TypeError('introspection has no keys: call latchkey.verify(token).')
  }

  introspect(token: string, claimed: Claims): MaybePromise<IntrospectedToken> {
    if (this.#closing.signal.aborted) throw refusal('store_closed')
    const digest = createHash('sha256').update(token).digest('base64')
    const known = this.#find(digest)
    if (known !== undefined) return this.#accept(known)
    return this.#share(digest, () => this.#ask(digest, token, claimed)).then((answer) => this.#accept(answer))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#answers.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Returns an answer that may still be used. */
  #find(digest: string): Answer | undefined {
    const known = this.#answers.get(digest)
    if (known === undefined) return undefined
    if (this.#isFresh(known.startedAt)) {
      known.recentlyUsed = true
      return known
    }
    this.#answers.delete(digest)
    return undefined
  }

  #isFresh(startedAt: Instant, nowMs?: number): boolean {
    return elapsedMs(this.#clock, startedAt, nowMs) < this.#cacheTtlMs
  }

  #accept({ described, startedAt }: Answer): IntrospectedToken {
    if (described === undefined) throw refusal('token_inactive')
    return { ...described, isCurrent: (nowMs) => this.#isFresh(startedAt, nowMs) }
  }

  /** Joins a request for the same token, unless its data would be too old for this verification. */
  #share(digest: string, ask: () => Promise<Answer>): Promise<Answer> {
    const running = this.#pending.get(digest)
    if (running !== undefined && this.#isFresh(running.startedAt)) return running.answer
    const started: Pending = { startedAt: instantOf(this.#clock), answer: ask() }
    this.#pending.set(digest, started)
    const end = () => {
      if (this.#pending.get(digest) === started) this.#pending.delete(digest)
    }
    started.answer.then(end, end)
    return started.answer
  }

  async #ask(digest: string, token: string, claimed: Claims): Promise<Answer> {
    if (this.#breaker.pauseMs > 0) throw this.#unavailable(this.#outage)
    if (this.#places.waiting >= this.#maxWaiting) throw this.#unavailable(new Error('Too many verifications wait.'))
    try {
      return await this.#places.run(() => this.#request(digest, token, claimed))
    } catch (error) {
      throw isLatchkeyError(error) && error.code === 'store_busy' ? this.#unavailable(error.cause) : error
    }
  }

  async #request(digest: string, token: string, claimed: Claims): Promise<Answer> {
    if (this.#closing.signal.aborted) throw refusal('store_closed')
    if (!this.#breaker.admit()) throw this.#unavailable(this.#outage)
    const startedAt = instantOf(this.#clock)
    try {
      const body = await this.#send(token, startedAt)
      this.#recordAnswer(startedAt)
      return this.#keep(digest, { described: parseAnswer(body, claimed), startedAt, recentlyUsed: false })
    } catch (error) {
      throw this.#failure(error, startedAt)
    }
  }

  async #send(token: string, startedAt: Instant): Promise<Buffer> {
    const body = await requestIntrospection({
      url: this.#url,
      authorization: this.#authorization,
      token,
      nowMs: startedAt.wallMs,
      timeoutMs: this.#timeoutMs,
      signal: this.#closing.signal,
    })
    // The process may have been suspended meanwhile, and the timer with it.
    if (elapsedMs(this.#clock, startedAt) <= this.#timeoutMs) return body
    throw new EndpointFailure('the answer was read too late', 0)
  }

  /** Keeps an answer, and returns the one of the latest request. */
  #keep(digest: string, answer: Answer): Answer {
    const known = this.#find(digest)
    // A later request has overtaken this one, and may have found the end of the token (C6).
    if (known !== undefined && known.startedAt.monotonicMs > answer.startedAt.monotonicMs) return known
    if (this.#isFresh(answer.startedAt)) this.#answers.set(digest, answer)
    return answer
  }

  #recordAnswer({ monotonicMs }: Instant): void {
    if (this.#breaker.recordAnswer(monotonicMs)) this.#reported.clear()
  }

  /** Returns the refusal for a request that failed, after reporting the reason. */
  #failure(error: unknown, startedAt: Instant): LatchkeyError {
    if (this.#closing.signal.aborted) return refusal('store_closed')
    if (isLatchkeyError(error)) {
      if (error.code === 'introspection_mismatch') this.#report(reasonOf(error))
      return error
    }
    const reason = this.#report(reasonOf(error))
    const pauseMs = error instanceof EndpointFailure ? error.pauseMs : 0
    if (pauseMs === 0) {
      this.#recordAnswer(startedAt)
    } else {
      this.#outage = reason
      this.#breaker.recordOutage(startedAt.monotonicMs, pauseMs)
    }
    return this.#unavailable(reason)
  }

  #report(reason: string): Error {
    const url = placeOf(this.#url)
    const error = new Error(`The introspection at ${url} failed: ${reason}.`)
    reportIntrospectionFailure({ url, error }, !this.#reported.has(reason))
    this.#reported.add(reason)
    return error
  }

  #unavailable(cause: unknown): LatchkeyError {
    const retryAfterSec = Math.max(1, Math.ceil(this.#breaker.pauseMs / 1000))
    return refusal('introspection_unavailable', { cause, retryAfterSec })
  }
}
