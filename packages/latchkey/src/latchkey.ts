import { randomUUID } from 'node:crypto'
import { type Auth, createAuth, tokenOf } from './auth.js'
import { maxCapacity } from './bounded-map.js'
import { callBack } from './call-back.js'
import { issues, refusedOutcome, type VerifyMessage, verifications } from './channels.js'
import { checkWhole } from './check-whole.js'
import { buildClaims } from './claims/build-claims.js'
import { checkClaims, checkOwner, endsAtMs, isText, parseClaims } from './claims/check-claims.js'
import { claimedGrants, narrowGrants } from './claims/grants.js'
import { checkSessionId } from './claims/session-id.js'
import type { SessionIds } from './claims/session-ids.js'
import { type Clock, systemClock } from './clock.js'
import { maxClockToleranceSec } from './clock-tolerance.js'
import { withDeadline } from './deadline.js'
import { type LatchkeyError, refusal } from './errors.js'
import { borrowBase64url, encodeBase64url } from './jws/base64url.js'
import { type CompactParts, splitCompact } from './jws/compact.js'
import type { KeySource, SigningKey, VerifyingKey } from './keys/key-source.js'
import type { MaybePromise } from './maybe-promise.js'
import { type TokenCacheUse, VerifiedTokens } from './verified-tokens.js'
import { WatchedTokens } from './watched-tokens.js'

/** Options of `createLatchkey`. */
export interface LatchkeyOptions {
  /** The `iss` claim of every token, and the only one accepted. */
  readonly issuer: string
  /** The `aud` claim of every token; one of these must be in a token that is accepted. */
  readonly audience: string | readonly string[]
  /** Where keys come from: `tenantSecrets`, `sharedSecret`, `keyPair` or `remoteJwks`. */
  readonly keys: KeySource
  /** Seconds for which a token is valid. At most the `maxTokenTtl` of the keys. Default 900, or `maxTokenTtl` where that is less. */
  readonly accessTokenTtl?: number
  /** Seconds by which clocks may differ. 0 to 300, which is what the keys reckon with when they forget what was ended; default 5. */
  readonly clockTolerance?: number
  /**
   * Memory for tokens that were verified before: at most `maxEntries`, 1 to 10,000,000, by default 10,000; `false` verifies every time. Tokens of more than 2,048 characters
   * are not kept, so that an entry takes 1 to 6 kB. Nothing enters whose signature did not hold.
   */
  readonly tokenCache?: { readonly maxEntries: number } | false
  /** Longer tokens are refused before anything of them is read. Default 8192. */
  readonly maxTokenBytes?: number
  /**
   * Milliseconds after which a verification that waits for its key fails with `store_unavailable` (503). 100 to 60,000; default 5000. What is in memory never waits.
   */
  readonly verifyTimeout?: number
  /**
   * Makes and recognises session IDs, as `sessionIds(key)` does. With it a token whose signature holds, but whose `sid` was never made for its subject, is
   * refused as `session_forged`: somebody has the secret. By default IDs are random and none is refused.
   */
  readonly sessionIds?: SessionIds
  /**
   * Called for every token that is refused as `session_forged`, after the refusal; the secret that
   * signed it has leaked. It runs in the asynchronous context of the call of `verify`, so that an
   * `AsyncLocalStorage` of the application names the request. An error that it throws, or rejects
   * with, is a warning of the process.
   */
  readonly onForgery?: (forgery: Forgery) => void
  /** Where time comes from; the machine's clocks by default. */
  readonly clock?: Clock
}

/** A token that this Latchkey did not issue, signed with one of its secrets: the secret has leaked. */
export interface Forgery {
  /** The subject of the token; with tenant secrets the tenant whose secret has leaked. */
  readonly subject: string
  /** The secret that signed it. */
  readonly kid: string
}

/** What to say in a token. */
export interface IssueRequest {
  /** The `sub` claim, a text that is not empty; with tenant secrets also the tenant whose secret signs. */
  readonly subject: string
  /** The `sid` claim: the login this token belongs to. 1 to 255 visible ASCII characters, and minted by `sessionIds` where that is set; a new one by default. */
  readonly sessionId?: string
  /**
   * Further claims: a plain JSON object, of whatever type or interface. Anything that JSON would change or drop (NaN,
   * `undefined`, dates, maps, instances of classes, `toJSON`) is refused with a TypeError that names the claim, and so
   * are registered claims (RFC 7519 §4.1) and `sid`. With tenant secrets a `scope` claim narrows the scope of the
   * tenant's grants for this token, `client_id` must be the subject, and no other claim gives any right: see
   * `keys.setGrants`.
   */
  readonly claims?: object
  /** Seconds for which this token is valid, instead of `accessTokenTtl`. */
  readonly expiresIn?: number
}

/** A token and what its bearer may be told of it. */
export interface IssuedToken {
  readonly token: string
  readonly tokenId: string
  readonly sessionId: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Seconds from the issue. */
  readonly expiresIn: number
}

/** Issues and verifies access tokens over one key source. */
export interface Latchkey {
  /**
   * A new access token (`typ: at+jwt`, RFC 9068). The token itself when the key is in memory, else a promise; `await` works on both.
   * Whatever it signs passes the checks of `verify` (C10); what would not is refused with a TypeError that names it.
   * Fails with `session_ended`, `tenant_disabled`, `tenant_invalid`, `store_unavailable`.
   */
  issue(request: IssueRequest): MaybePromise<IssuedToken>
  /**
   * Who the token speaks for. The value itself when everything needed is in memory, else a promise; `await` works on both. A refusal is
   * a LatchkeyError, thrown at once or rejected: 401 with what is wrong with the token, 503 when that cannot be found out, after `verifyTimeout` at the latest.
   */
  verify(token: string): MaybePromise<Auth>
  /**
   * Calls `ended` once when this identity, as `verify` gave it, holds no more: revoked, its session ended, expired, its grants changed; in the process that made the change at
   * once, in others when the change feed tells. The reason has status 503 when nobody could say for longer than knowledge may be old: a second after `maxStaleness`.
   * For what outlives a request, such as a WebSocket or a stream of events. Gives the way to stop watching, which the caller uses when the stream
   * has ended. Throws a TypeError for an identity that `verify` did not give.
   */
  watch(auth: Auth, ended: (reason: LatchkeyError) => void): () => void
  /** How often a token was found verified before; zeros when `tokenCache` is `false`. */
  tokenCacheUse(): TokenCacheUse
  /** Closes the key source; watches end without a call. */
  close(): Promise<void>
}

/**
 * Makes the issuer and verifier of one API's tokens. Throws a TypeError for options that cannot be meant.
 *
 * @example
 * const latchkey = createLatchkey({ issuer: 'https://auth.example.com', audience: 'api', keys })
 * const { token } = await latchkey.issue({ subject: user.id })
 * const { subject } = await latchkey.verify(token)
 */
export function createLatchkey(options: LatchkeyOptions): Latchkey {
  return new TokenAuthority(options)
}

/** Times a key may turn out to be out of date while it is being used, before the answer is 503. */
const maxAttempts = 3

const overdue = () =>
  refusal('store_unavailable', { cause: new Error('The verification took longer than verifyTimeout.') })

class TokenAuthority implements Latchkey {
  readonly #issuer: string
  readonly #audience: string | readonly string[]
  readonly #audiences: readonly string[]
  readonly #keys: KeySource
  readonly #ttlSec: number
  readonly #toleranceSec: number
  readonly #verified: VerifiedTokens | undefined
  readonly #maxTokenLength: number
  readonly #verifyTimeoutMs: number
  readonly #sessionIds: SessionIds | undefined
  readonly #onForgery: LatchkeyOptions['onForgery']
  readonly #clock: Clock
  readonly #watched: WatchedTokens
  /** One object for every remembered token, so that an observer costs no allocation. */
  readonly #rememberedMessage: VerifyMessage = Object.freeze({
    source: this,
    outcome: 'accepted',
    level: 'remembered',
  })

  constructor(options: LatchkeyOptions) {
    const { tokenCache = { maxEntries: 10_000 } } = options
    this.#issuer = checkText('issuer', options.issuer)
    this.#audiences = [options.audience].flat().map((audience) => checkText('audience', audience))
    if (this.#audiences.length === 0) throw new TypeError('audience names at least one audience.')
    this.#audience = typeof options.audience === 'string' ? options.audience : this.#audiences
    this.#keys = checkKeys(options.keys)
    this.#ttlSec = this.#checkTtl('accessTokenTtl', options.accessTokenTtl ?? Math.min(900, this.#keys.maxTokenTtl))
    this.#toleranceSec = checkWhole('clockTolerance', options.clockTolerance ?? 5, 0, maxClockToleranceSec)
    this.#maxTokenLength = checkWhole('maxTokenBytes', options.maxTokenBytes ?? 8192, 256, 1_048_576)
    this.#verifyTimeoutMs = checkWhole('verifyTimeout', options.verifyTimeout ?? 5000, 100, 60_000)
    this.#sessionIds = options.sessionIds
    this.#onForgery = options.onForgery
    const clock = options.clock ?? systemClock
    this.#clock = clock
    this.#verified =
      tokenCache === false
        ? undefined
        : new VerifiedTokens(
            checkWhole('tokenCache.maxEntries', tokenCache.maxEntries, 1, maxCapacity),
            this.#toleranceSec,
            clock,
          )
    this.#watched = new WatchedTokens({
      keys: options.keys,
      verify: (token) => this.#find(token) ?? this.#verifyAnew(token),
      nowMs: () => clock.now(),
    })
  }

  issue(request: IssueRequest): MaybePromise<IssuedToken> {
    if (!issues.isObserved) return this.#issue(request)
    const call = { source: this }
    return issues.observe(
      call,
      () => this.#issue(request),
      ({ failure, isAsync }) => ({
        ...call,
        outcome: failure === undefined ? 'issued' : refusedOutcome(failure.error),
        level: isAsync ? 'read' : 'memory',
      }),
    )
  }

  // Synchronous where it can be: a promise here costs more than the look-up.
  verify(token: string): MaybePromise<Auth> {
    const known = this.#find(token)
    if (known === undefined) return verifications.isObserved ? this.#verifyObserved(token) : this.#verifyAnew(token)
    if (verifications.finished.hasSubscribers) verifications.finished.publish(this.#rememberedMessage)
    return known
  }

  watch(auth: Auth, ended: (reason: LatchkeyError) => void): () => void {
    const token = tokenOf(auth)
    if (token === undefined) throw new TypeError('watch takes the very object that verify gave.')
    return this.#watched.add({
      token,
      auth,
      endsAtMs: endsAtMs(auth.expiresAt, this.#toleranceSec),
      ended,
    })
  }

  tokenCacheUse(): TokenCacheUse {
    return this.#verified?.use ?? { hits: 0, misses: 0, entries: 0 }
  }

  async close(): Promise<void> {
    this.#watched.close()
    this.#verified?.clear()
    await this.#keys.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #issue(request: IssueRequest): MaybePromise<IssuedToken> {
    const key = this.#keys.signingKey(request.subject)
    return key instanceof Promise ? key.then((read) => this.#sign(request, read)) : this.#sign(request, key)
  }

  #sign(request: IssueRequest, key: SigningKey): IssuedToken {
    const { subject, claims, expiresIn } = request
    if (!isText(subject)) throw new TypeError('subject is a text that is not empty: write a number as text.')
    const ttlSec = expiresIn === undefined ? this.#ttlSec : this.#checkTtl('expiresIn', expiresIn)
    const nowMs = this.#clock.now()
    const { sessionId = this.#newSessionId(subject, nowMs) } = request
    checkSessionId(sessionId)
    if (!this.#isIssued(sessionId, subject)) throw new TypeError('sessionId was not minted for this subject.')
    const refused = key.refusalOf(sessionId, nowMs)
    if (refused !== undefined) throw refusal(refused)
    const tokenId = randomUUID()
    const issuedAtSec = Math.floor(nowMs / 1000)
    const expiresAtSec = issuedAtSec + ttlSec
    const payload = buildClaims({
      issuer: this.#issuer,
      audience: this.#audience,
      subject,
      tokenId,
      sessionId,
      issuedAtSec,
      expiresAtSec,
      owner: key.owner,
      claims,
    })
    const signingInput = `${key.headerSegment}.${encodeBase64url(JSON.stringify(payload))}`
    const token = `${signingInput}.${key.sign(signingInput)}`
    if (token.length > this.#maxTokenLength) throw new TypeError('The claims make the token longer than maxTokenBytes.')
    return { token, tokenId, sessionId, expiresAt: expiresAtSec, expiresIn: ttlSec }
  }

  /** Returns the identity of a token that was verified before and still holds. */
  #find(token: string): Auth | undefined {
    if (typeof token !== 'string' || token.length > this.#maxTokenLength) return undefined
    return this.#verified?.find(token)
  }

  #verifyObserved(token: string): MaybePromise<Auth> {
    const call = { source: this }
    return verifications.observe(
      call,
      () => this.#verifyAnew(token),
      ({ failure, isAsync }) => ({
        ...call,
        outcome: failure === undefined ? 'accepted' : refusedOutcome(failure.error),
        level: isAsync ? 'read' : 'memory',
      }),
    )
  }

  #verifyAnew(token: string): MaybePromise<Auth> {
    if (typeof token !== 'string') throw refusal('token_malformed')
    if (token.length > this.#maxTokenLength) throw refusal('token_too_large')
    const verified = this.#verifyParts(token, splitCompact(token), maxAttempts)
    return verified instanceof Promise ? withDeadline(verified, this.#verifyTimeoutMs, overdue) : verified
  }

  #verifyParts(token: string, parts: CompactParts, attempts: number): MaybePromise<Auth> {
    if (attempts === 0) throw refusal('store_unavailable')
    const key = this.#keys.verifyingKey(parts.headerSegment)
    return key instanceof Promise
      ? key.then((read) => this.#accept(token, parts, read, attempts))
      : this.#accept(token, parts, key, attempts)
  }

  #accept(token: string, parts: CompactParts, key: VerifyingKey, attempts: number): MaybePromise<Auth> {
    if (!key.verify(parts.signingInput, parts.signatureSegment)) throw refusal('signature_invalid')
    const payload = borrowBase64url(parts.payloadSegment)
    if (payload === undefined) throw refusal('token_malformed')
    const claims = parseClaims(payload)
    if (key.owner !== undefined) checkOwner(claims, key.owner)
    const nowMs = this.#clock.now()
    checkClaims(claims, {
      issuer: this.#issuer,
      audiences: this.#audiences,
      nowSec: nowMs / 1000,
      toleranceSec: this.#toleranceSec,
      maxTtlSec: this.#keys.maxTokenTtl,
    })
    if (!this.#isIssued(claims.sid, claims.sub)) throw this.#forged(claims.sub, key.kid)
    const refused = key.refusalOf(claims.sid, nowMs)
    if (refused !== undefined) throw refusal(refused)
    const stored = key.grants
    const grants = stored === undefined ? claimedGrants(claims) : narrowGrants(stored, claims)
    // Last of all, because the process may have been stopped anywhere above for longer than knowledge may be old (C4).
    if (!key.isCurrent(nowMs)) return this.#verifyParts(token, parts, attempts - 1)
    const auth = createAuth(claims, { kid: key.kid, grants, token })
    this.#verified?.add(token, auth, key)
    return auth
  }

  #newSessionId(subject: string, nowMs: number): string {
    return this.#sessionIds?.mint(subject, nowMs) ?? randomUUID()
  }

  #isIssued(sessionId: string | undefined, subject: string): boolean {
    if (this.#sessionIds === undefined) return true
    return sessionId !== undefined && this.#sessionIds.recognises(sessionId, subject)
  }

  #forged(subject: string, kid: string): LatchkeyError {
    callBack(() => this.#onForgery?.({ subject, kid }))
    return refusal('session_forged')
  }

  #checkTtl(name: string, seconds: number): number {
    const most = this.#keys.maxTokenTtl
    if (seconds > most) {
      throw new TypeError(`${name} is longer than the maxTokenTtl of the keys, ${most} s: shorten it, or raise that.`)
    }
    return checkWhole(name, seconds, 1, most)
  }
}

function checkText(name: string, text: string): string {
  if (!isText(text)) throw new TypeError(`${name} is a text that is not empty.`)
  return text
}

function checkKeys(keys: KeySource | undefined): KeySource {
  if (typeof keys?.verifyingKey === 'function') return keys
  throw new TypeError('keys is missing: give what tenantSecrets, sharedSecret, keyPair or remoteJwks returns.')
}
