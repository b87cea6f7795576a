import { randomUUID } from 'node:crypto'
import { type Auth, createAuth, tokenOf, type VerifierTime } from './auth.js'
import { maxCapacity } from './bounded-map.js'
import { callBack } from './call-back.js'
import { issues, refusedOutcome, type VerifyMessage, verifications } from './channels.js'
import { checkWhole } from './check-whole.js'
import { narrowAuthentication, statedAuthentication } from './claims/authentication.js'
import { buildClaims, copyClaims } from './claims/build-claims.js'
import {
  type Claims,
  checkClaims,
  checkOwner,
  checkTimes,
  endsAtMs,
  isText,
  parseClaims,
} from './claims/check-claims.js'
import { type ClaimsSchema, checkBySchema, checkClaimsSchema, readBySchema } from './claims/claims-schema.js'
import { claimedGrants, deepFreeze, narrowGrants } from './claims/grants.js'
import type { JsonObject } from './claims/plain-json.js'
import { checkSessionId } from './claims/session-id.js'
import type { AuthenticationLevel, MintedSession, SessionIds } from './claims/session-ids.js'
import { checkTokenType } from './claims/token-type.js'
import { type Clock, systemClock } from './clock.js'
import { maxClockToleranceSec } from './clock-tolerance.js'
import { withDeadline } from './deadline.js'
import { type LatchkeyError, refusal } from './errors.js'
import { borrowBase64url, decodeBase64url, encodeBase64url } from './jws/base64url.js'
import { type CompactParts, splitCompact } from './jws/compact.js'
import { parseHeader } from './jws/header.js'
import type {
  IntrospectedToken,
  KeySource,
  LegacySource,
  LegacyToken,
  LegacyVerifier,
  SigningKey,
  TokenIntrospector,
  VerifyingKey,
} from './keys/key-source.js'
import type { IssuedToken, IssueRequest, Latchkey, LatchkeyOptions } from './latchkey-api.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'
import { type TokenCacheUse, VerifiedTokens } from './verified-tokens.js'
import { WatchedTokens } from './watched-tokens.js'

/**
 * Creates the issuer and verifier of one API's tokens.
 *
 * With the option `claims`, the application's claims have the types of that schema, which checks
 * them in `issue` and in `verify`.
 *
 * @returns the issuer and verifier, to be closed by the caller
 * @throws TypeError for invalid options
 * @example
 * ```ts
 * import { createLatchkey } from 'latchkey'
 * import * as z from 'zod'
 *
 * const claims = z.object({ plan: z.enum(['free', 'pro']), locale: z.string().default('en') })
 * const options = { issuer: 'https://auth.example', audience: 'api', keys }
 * const latchkey = createLatchkey({ ...options, claims })
 * const { token } = await latchkey.issue({ subject: user.id, claims: { plan: 'pro' } })
 * const { plan, locale } = (await latchkey.verify(token)).claims
 * ```
 */
export function createLatchkey<C extends object, Input extends object>(
  options: LatchkeyOptions & { readonly claims: ClaimsSchema<Input, C> },
): Latchkey<C, Input>
/**
 * Without `claims`, the application's claims are not checked, and are `unknown` in the types.
 *
 * @example
 * ```ts
 * import { createLatchkey } from 'latchkey'
 *
 * const latchkey = createLatchkey({ issuer: 'https://auth.example.com', audience: 'api', keys })
 * const { token } = await latchkey.issue({ subject: user.id })
 * const { subject } = await latchkey.verify(token)
 * ```
 */
export function createLatchkey(options: LatchkeyOptions): Latchkey
export function createLatchkey(options: LatchkeyOptions): Latchkey {
  return new TokenAuthority(options)
}

/** Attempts with keys that become stale while they are used, before verification fails with 503. */
const maxAttempts = 3

/** The key ID in the identity of a legacy token. */
const legacyKid = 'legacy'

const overdue = () =>
  refusal('store_unavailable', { cause: new Error('The verification took longer than verifyTimeout.') })

/** An `IssueRequest` whose claims are a copy. */
interface IssueOrder {
  readonly subject: string
  readonly sessionId: string | undefined
  readonly level: AuthenticationLevel | undefined
  readonly claims: JsonObject
  readonly expiresIn: number | undefined
}

class TokenAuthority implements Latchkey {
  readonly accessTokenTtl: number
  readonly #issuer: string
  readonly #audience: string | readonly string[]
  readonly #audiences: readonly string[]
  readonly #keys: KeySource
  readonly #claimsSchema: ClaimsSchema | undefined
  readonly #legacy: LegacySource | undefined
  readonly #legacyVerifier: LegacyVerifier
  readonly #toleranceSec: number
  readonly #verified: VerifiedTokens | undefined
  readonly #maxTokenLength: number
  readonly #verifyTimeoutMs: number
  readonly #sessionIds: SessionIds | undefined
  readonly #onForgery: LatchkeyOptions['onForgery']
  readonly #clock: Clock
  /** One object for all identities. */
  readonly #time: VerifierTime
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
    if (this.#audiences.length === 0) throw new TypeError('audience is empty: pass at least one audience.')
    this.#audience = typeof options.audience === 'string' ? options.audience : this.#audiences
    this.#keys = checkKeys(options.keys)
    this.#legacy = this.#keys.legacy
    this.#claimsSchema = checkClaimsSchema(options.claims)
    this.accessTokenTtl = this.#checkTtl(
      'accessTokenTtl',
      options.accessTokenTtl ?? Math.min(900, this.#keys.maxTokenTtl),
    )
    this.#toleranceSec = checkWhole('clockTolerance', options.clockTolerance ?? 5, 0, maxClockToleranceSec)
    this.#legacyVerifier = { issuer: this.#issuer, audience: this.#audience, toleranceSec: this.#toleranceSec }
    this.#maxTokenLength = checkWhole('maxTokenBytes', options.maxTokenBytes ?? 8192, 256, 1_048_576)
    this.#verifyTimeoutMs = checkWhole('verifyTimeout', options.verifyTimeout ?? 5000, 100, 60_000)
    this.#sessionIds = options.sessionIds
    this.#onForgery = options.onForgery
    const clock = options.clock ?? systemClock
    this.#clock = clock
    this.#time = { clock, toleranceSec: this.#toleranceSec }
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
    if (token === undefined) throw new TypeError('watch needs an identity that verify has returned.')
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

  #issue({ subject, sessionId, level, claims, expiresIn }: IssueRequest): MaybePromise<IssuedToken> {
    if (level !== undefined) this.#checkLevel(sessionId)
    // Copied before the key is read, because the caller may change its objects meanwhile.
    const order = { subject, sessionId, level, claims: copyClaims(claims), expiresIn }
    const key = this.#keys.signingKey(subject)
    return isPromise(key) ? key.then((read) => this.#sign(order, read)) : this.#sign(order, key)
  }

  #sign(order: IssueOrder, key: SigningKey): IssuedToken {
    const { subject, claims, expiresIn } = order
    if (!isText(subject)) throw new TypeError('subject must be a string that is not empty: convert numbers to strings.')
    const ttlSec = expiresIn === undefined ? this.accessTokenTtl : this.#checkTtl('expiresIn', expiresIn)
    const nowMs = this.#clock.now()
    const { sessionId = this.#newSessionId(subject, nowMs, order.level) } = order
    checkSessionId(sessionId)
    if (this.#sessionIds !== undefined && this.#mintedSession(sessionId, subject) === undefined) {
      throw new TypeError('sessionId was not minted for this subject.')
    }
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
    const json = JSON.stringify(payload)
    if (this.#claimsSchema !== undefined) checkBySchema(this.#claimsSchema, JSON.parse(json))
    const signingInput = `${key.headerSegment}.${encodeBase64url(json)}`
    const token = `${signingInput}.${key.sign(signingInput)}`
    if (token.length > this.#maxTokenLength)
      throw new TypeError('The claims make the token longer than maxTokenBytes: issue fewer claims, or raise it.')
    return { token, tokenId, sessionId, expiresAt: expiresAtSec, expiresIn: ttlSec }
  }

  /** Returns the identity of a token that was verified before and is still valid. */
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
    const parts = splitCompact(token)
    const { introspector } = this.#keys
    const verified =
      introspector === undefined
        ? this.#verifyParts(token, parts, maxAttempts)
        : this.#introspect(introspector, token, parts)
    return isPromise(verified) ? withDeadline(verified, this.#verifyTimeoutMs, overdue) : verified
  }

  #verifyParts(token: string, parts: CompactParts, attempts: number): MaybePromise<Auth> {
    if (attempts === 0) throw refusal('store_unavailable')
    const legacy = this.#legacy
    const key = legacy === undefined ? this.#keys.verifyingKey(parts.headerSegment) : legacy.ownKey(parts.headerSegment)
    return isPromise(key)
      ? key.then((read) => this.#verifyWith(read, token, parts, attempts))
      : this.#verifyWith(key, token, parts, attempts)
  }

  /** Verifies with a key of the source, or as a legacy token if the header names none. */
  #verifyWith(key: VerifyingKey | undefined, token: string, parts: CompactParts, attempts: number): MaybePromise<Auth> {
    if (key !== undefined) return this.#accept(token, parts, key, attempts)
    if (this.#legacy === undefined) throw refusal('kid_unknown')
    const opened = this.#legacy.open(token, this.#legacyVerifier)
    return isPromise(opened)
      ? opened.then((legacy) => this.#acceptLegacy(token, parts, legacy, attempts))
      : this.#acceptLegacy(token, parts, opened, attempts)
  }

  #acceptLegacy(
    token: string,
    parts: CompactParts,
    { claims, tenant }: LegacyToken,
    attempts: number,
  ): MaybePromise<Auth> {
    const nowMs = this.#clock.now()
    checkTimes(claims, { nowSec: nowMs / 1000, toleranceSec: this.#toleranceSec })
    const refused = tenant.refusalOf(nowMs)
    if (refused !== undefined) throw refusal(refused)
    const grants = narrowGrants(tenant.grants, claims)
    const accepted = this.#acceptClaims(claims)
    // Last, as in `#accept`.
    if (!tenant.isCurrent(nowMs)) return this.#verifyParts(token, parts, attempts - 1)
    const auth = createAuth(accepted, { kid: legacyKid, grants, authentication: undefined, token, time: this.#time })
    this.#verified?.add(token, auth, tenant)
    return auth
  }

  #accept(token: string, parts: CompactParts, key: VerifyingKey, attempts: number): MaybePromise<Auth> {
    if (!key.verify(parts.signingInput, parts.signatureSegment)) throw refusal('signature_invalid')
    const claims = claimsOf(parts)
    if (key.owner !== undefined) checkOwner(claims, key.owner)
    const nowMs = this.#clock.now()
    this.#checkClaims(claims, nowMs)
    const minted = this.#checkSession(claims, key.kid)
    const refused = key.refusalOf(claims.sid, nowMs)
    if (refused !== undefined) throw refusal(refused)
    const stored = key.grants
    const grants = stored === undefined ? claimedGrants(claims) : narrowGrants(stored, claims)
    const authentication =
      key.owner === undefined ? statedAuthentication(claims, minted) : minted && narrowAuthentication(claims, minted)
    const accepted = this.#acceptClaims(claims)
    // Last, because the process may have been suspended above for longer than `maxStaleness` (C4).
    if (!key.isCurrent(nowMs)) return this.#verifyParts(token, parts, attempts - 1)
    const auth = createAuth(accepted, { kid: key.kid, grants, authentication, token, time: this.#time })
    this.#verified?.add(token, auth, key)
    return auth
  }

  /**
   * Refuses a token here that cannot be accepted whatever the issuer states, so that it costs no
   * request (C2). Nothing is accepted without the answer.
   */
  #introspect(introspector: TokenIntrospector, token: string, parts: CompactParts): MaybePromise<Auth> {
    const { kid = '', typ } = parseHeader(parts.headerSegment)
    checkTokenType(typ)
    if (decodeBase64url(parts.signatureSegment) === undefined) throw refusal('token_malformed')
    const claimed = claimsOf(parts)
    this.#checkClaims(claimed, this.#clock.now())
    const answer = introspector.introspect(token, claimed)
    return isPromise(answer)
      ? answer.then((read) => this.#acceptIntrospected(token, kid, read))
      : this.#acceptIntrospected(token, kid, answer)
  }

  #acceptIntrospected(token: string, kid: string, answer: IntrospectedToken): Auth {
    const { claims, grants } = answer
    this.#checkClaims(claims, this.#clock.now())
    const authentication = statedAuthentication(claims, this.#checkSession(claims, kid))
    const auth = createAuth(this.#acceptClaims(claims), { kid, grants, authentication, token, time: this.#time })
    this.#verified?.add(token, auth, answer)
    return auth
  }

  #checkClaims(claims: Claims, nowMs: number): void {
    checkClaims(claims, {
      issuer: this.#issuer,
      audiences: this.#audiences,
      nowSec: nowMs / 1000,
      toleranceSec: this.#toleranceSec,
      maxTtlSec: this.#keys.maxTokenTtl,
    })
  }

  /** Returns what the session ID of the token states; `undefined` without the option `sessionIds`. */
  #checkSession({ sid, sub }: Claims, kid: string): MintedSession | undefined {
    if (this.#sessionIds === undefined) return undefined
    const minted = this.#mintedSession(sid, sub)
    if (minted !== undefined) return minted
    callBack(() => this.#onForgery?.({ subject: sub, kid }))
    throw refusal('session_forged')
  }

  /** Returns the claims as the schema reads them, frozen. Every way to accept a token leads here. */
  #acceptClaims(claims: Claims): Claims {
    return this.#claimsSchema === undefined ? deepFreeze(claims) : readBySchema(this.#claimsSchema, claims)
  }

  #newSessionId(subject: string, nowMs: number, level: AuthenticationLevel | undefined): string {
    return this.#sessionIds?.mint(subject, nowMs, level) ?? randomUUID()
  }

  #mintedSession(sessionId: string | undefined, subject: string): MintedSession | undefined {
    return sessionId === undefined ? undefined : this.#sessionIds?.read(sessionId, subject)
  }

  #checkLevel(sessionId: string | undefined): void {
    if (this.#sessionIds === undefined) throw new TypeError('level needs the option sessionIds of createLatchkey.')
    if (sessionId !== undefined) throw new TypeError('level is that of a new session: leave sessionId out.')
  }

  #checkTtl(name: string, seconds: number): number {
    const most = this.#keys.maxTokenTtl
    if (seconds > most) {
      throw new TypeError(`${name} exceeds the maxTokenTtl of the keys, ${most} s: shorten it, or raise maxTokenTtl.`)
    }
    return checkWhole(name, seconds, 1, most)
  }
}

function claimsOf({ payloadSegment }: CompactParts): Claims {
  const payload = borrowBase64url(payloadSegment)
  if (payload === undefined) throw refusal('token_malformed')
  return parseClaims(payload)
}

function checkText(name: string, text: string): string {
  if (!isText(text)) throw new TypeError(`${name} must be a string that is not empty.`)
  return text
}

function checkKeys(keys: KeySource | undefined): KeySource {
  if (typeof keys?.verifyingKey === 'function') return keys
  throw new TypeError('keys is missing: pass tenantSecrets, sharedSecret, keyPair, remoteJwks or introspection.')
}
