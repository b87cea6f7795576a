import type { Auth } from './auth.js'
import type { UntypedClaims } from './claims/check-claims.js'
import type { ClaimsSchema } from './claims/claims-schema.js'
import type { AuthenticationLevel, SessionIds } from './claims/session-ids.js'
import type { Clock } from './clock.js'
import type { LatchkeyError } from './errors.js'
import type { KeySource } from './keys/key-source.js'
import type { MaybePromise } from './maybe-promise.js'
import type { TokenCacheUse } from './verified-tokens.js'

/** Options of `createLatchkey`. */
export interface LatchkeyOptions {
  /** The `iss` claim of issued tokens, and the only one that is accepted. */
  readonly issuer: string
  /** The `aud` claim of issued tokens; an accepted token contains at least one of these. */
  readonly audience: string | readonly string[]
  /** The key source: `tenantSecrets`, `sharedSecret`, `keyPair`, `remoteJwks` or `introspection`. */
  readonly keys: KeySource
  /**
   * The schema of the application's claims, of any library with Standard Schema version 1, such as
   * Zod, Valibot and ArkType. It receives the claims that are not registered. `issue` takes its
   * input and signs that; `verify` checks the input once more and returns the output in
   * `auth.claims`. Tokens whose claims do not match are refused with `claims_mismatch`, whatever
   * key has signed them.
   *
   * The schema is called while a token is verified, so it must be synchronous, and return a plain
   * object without registered claims. It conveys no right: see `Auth.grants`.
   *
   * @defaultValue claims are not checked, and are `unknown` in the types
   */
  readonly claims?: ClaimsSchema
  /**
   * Lifetime of a token in seconds, at most the `maxTokenTtl` of the key source.
   *
   * @defaultValue `900`, or `maxTokenTtl` if that is less
   */
  readonly accessTokenTtl?: number
  /**
   * Seconds by which clocks may differ, from 0 to 300.
   *
   * @defaultValue `5`
   */
  readonly clockTolerance?: number
  /**
   * The cache of verified tokens: at most `maxEntries`, from 1 to 10,000,000; `false` disables it.
   * Tokens of more than 2,048 characters are not cached, so that an entry takes 1 to 6 kB.
   *
   * @defaultValue `{ maxEntries: 10_000 }`
   */
  readonly tokenCache?: { readonly maxEntries: number } | false
  /**
   * Longer tokens are refused before they are decoded.
   *
   * @defaultValue `8192`
   */
  readonly maxTokenBytes?: number
  /**
   * Milliseconds after which a verification that waits for its key fails with `store_unavailable`
   * (503), from 100 to 60,000.
   *
   * @defaultValue `5000`
   */
  readonly verifyTimeout?: number
  /**
   * Mints and authenticates session IDs, as `sessionIds(key)` does. A token with a valid signature
   * whose `sid` was not minted for its subject is refused with `session_forged`: its secret has
   * leaked.
   *
   * A session ID also states when and how strongly its subject authenticated: see
   * `Auth.authentication`.
   *
   * @defaultValue random IDs that are not authenticated
   */
  readonly sessionIds?: SessionIds
  /**
   * Called after every refusal with `session_forged`; the secret that signed the token has leaked.
   * It runs in the asynchronous context of the call of `verify`, so that an `AsyncLocalStorage` of
   * the application names the request. An error that it throws or rejects with becomes a warning of
   * the process.
   */
  readonly onForgery?: (forgery: Forgery) => void
  /**
   * The source of the time.
   *
   * @defaultValue the clocks of the machine
   */
  readonly clock?: Clock
}

/** A token that was not issued here although its signature is valid: its secret has leaked. */
export interface Forgery {
  /** The `sub` claim; with tenant secrets the tenant whose secret has leaked. */
  readonly subject: string
  /** The key ID of the secret. */
  readonly kid: string
}

/**
 * The content of a token.
 *
 * @typeParam Input The input of the schema of the option `claims`. Any object without one.
 */
export interface IssueRequest<Input extends object = object> {
  /** The `sub` claim, a string that is not empty; with tenant secrets also the tenant. */
  readonly subject: string
  /**
   * The `sid` claim: the session of the token, 1 to 255 visible ASCII characters. With the option
   * `sessionIds` it must be minted there.
   *
   * With that option, a new ID states that the subject has authenticated now (`requireRecent`).
   * Pass the ID of the session whenever a token is only renewed.
   *
   * @defaultValue a new ID
   */
  readonly sessionId?: string
  /**
   * The level of the authentication that a new session ID states. It needs the option `sessionIds`,
   * and no `sessionId`.
   *
   * @defaultValue `'aal1'`
   */
  readonly level?: AuthenticationLevel | undefined
  /**
   * Further claims: a plain JSON object. Values that JSON would change or drop (`NaN`, `undefined`,
   * dates, maps, instances of classes, `toJSON`), registered claims (RFC 7519 §4.1) and `sid` are
   * refused with a TypeError that names the claim.
   *
   * With tenant secrets a `scope` claim narrows the scope of the tenant's grants for this token,
   * `client_id` must be the subject, and no other claim grants a right: see `keys.setGrants`.
   *
   * With the option `claims` of `createLatchkey`, a claim that its schema refuses is a TypeError
   * too.
   */
  readonly claims?: Input
  /**
   * Lifetime of this token in seconds.
   *
   * @defaultValue `accessTokenTtl`
   */
  readonly expiresIn?: number
}

/** An issued token with its public values. */
export interface IssuedToken {
  readonly token: string
  readonly tokenId: string
  readonly sessionId: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Lifetime in seconds. */
  readonly expiresIn: number
}

/** The claims that `issue` takes unless a schema says otherwise: any object if they are untyped. */
export type IssuableClaims<C extends object> = UntypedClaims extends C ? object : C

/** Makes `claims` a required member of the argument of `issue` if the schema requires a claim. */
export type RequiredClaims<Input extends object> = Partial<Input> extends Input ? unknown : { readonly claims: Input }

/**
 * Issues and verifies access tokens over one key source.
 *
 * @typeParam C The application's claims in `auth.claims`: the output of the schema of the option
 * `claims`.
 * @typeParam Input The claims that `issue` takes: the input of that schema.
 */
export interface Latchkey<C extends object = UntypedClaims, Input extends object = IssuableClaims<C>> {
  /** Lifetime in seconds of a token that is issued without `expiresIn`. */
  readonly accessTokenTtl: number
  /**
   * Issues an access token (`typ: at+jwt`, RFC 9068). Every issued token passes the checks of
   * `verify` (C10).
   *
   * @returns the token if its key is in memory, else a promise; `await` works on both
   * @throws `session_ended`, `tenant_disabled`, `tenant_invalid`, `store_unavailable`; TypeError
   * for claims that `verify` would refuse; the error that the schema of the option `claims` throws
   * @example
   * const { token } = await latchkey.issue({ subject: user.id, claims: { plan: 'pro' } })
   */
  issue(request: IssueRequest<Input> & RequiredClaims<Input>): MaybePromise<IssuedToken>
  /**
   * Verifies a token.
   *
   * @returns the identity if everything needed is in memory, else a promise; `await` works on both
   * @throws LatchkeyError, synchronously or as a rejection: with status 401 for an invalid token,
   * with 503 if it cannot be checked within `verifyTimeout`, and `claims_schema_failed` (500) if
   * the schema of the option `claims` fails
   * @example
   * const { subject, grants } = await latchkey.verify(token)
   */
  verify(token: string): MaybePromise<Auth<C>>
  /**
   * Calls `ended` once this identity is no longer valid: it was revoked, its session ended, it
   * expired, or its grants changed. Use it for connections that outlive a request, such as a
   * WebSocket or a stream of events. The call follows at once in the process that made the change,
   * and in others when the change feed delivers it. The reason has status 503 if the token could
   * not be checked until one second after `maxStaleness`.
   *
   * @returns a function that stops watching, to be called when the connection has ended
   * @throws TypeError for an identity that `verify` did not return
   * @example
   * const stop = latchkey.watch(auth, () => socket.close(4401))
   */
  watch(auth: Auth<object>, ended: (reason: LatchkeyError) => void): () => void
  /**
   * Returns the counters of the token cache, which are 0 if `tokenCache` is `false`.
   *
   * @returns hits, misses and entries since the start
   * @example
   * const { hits, misses } = latchkey.tokenCacheUse()
   */
  tokenCacheUse(): TokenCacheUse
  /**
   * Closes the key source, and ends all watches without calling them.
   *
   * @returns a promise that resolves once connections and timers are released
   */
  close(): Promise<void>
}
