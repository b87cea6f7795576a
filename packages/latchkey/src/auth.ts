import type { Authentication } from './claims/authentication.js'
import type { Claims, UntypedClaims } from './claims/check-claims.js'
import type { Grants } from './claims/grants.js'
import { type Clock, systemClock } from './clock.js'

/**
 * The identity in a verified token. It is deeply frozen, because requests share it (C8). Objects
 * that a schema of the option `claims` makes, such as dates, are not: do not change them.
 *
 * @typeParam C The application's claims: the output of that schema. Untyped without one.
 */
export interface Auth<C extends object = UntypedClaims> {
  /** The `sub` claim. */
  readonly subject: string
  /** The session of the token, its `sid` claim. Each legacy token without one is a session. */
  readonly sessionId: string | undefined
  /** The ID of the token, its `jti` claim. */
  readonly tokenId: string
  /** The ID of the key that signed the token; `legacy` for a legacy token. */
  readonly kid: string
  /** Seconds since 1970; 0 for a legacy token without `iat`. */
  readonly issuedAt: number
  /** Seconds since 1970. */
  readonly expiresAt: number
  /**
   * The rights of the subject. Authorize by these and never by `claims`, because the holder of a
   * tenant's secret can sign any claim.
   */
  readonly grants: Grants
  /**
   * When and how strongly the subject last authenticated, for `requireRecent`; `undefined` if it is
   * not known.
   *
   * With `tenantSecrets` it is what the session ID states, if `createLatchkey` has the option
   * `sessionIds`: the claims `auth_time` and `acr` can only make it older and weaker. With other
   * key sources it is what these claims state. It is not known of a legacy token.
   */
  readonly authentication: Authentication | undefined
  /**
   * All claims: the registered ones, and those of the application as the option `claims` returns
   * them. A legacy token has the claims of its payload, and the registered ones that the payload
   * lacks; `sub` is the subject.
   */
  readonly claims: Claims<C>
}

/** The result of a verification in addition to the claims. */
export interface Verdict {
  readonly kid: string
  /** Frozen. */
  readonly grants: Grants
  readonly authentication: Authentication | undefined
  readonly token: string
  readonly time: VerifierTime
}

/** The clock of a verifier, and the seconds by which the clocks of issuers may differ from it. */
export interface VerifierTime {
  readonly clock: Pick<Clock, 'now'>
  readonly toleranceSec: number
}

/**
 * Names the method that returns the token of an identity. It is registered, because a process may
 * have several copies of this package: an application of ES modules with a plugin in CommonJS has
 * two. A private name is another one in each copy.
 */
const tokenMethod = Symbol.for('latchkey.token')

/** Names the method that returns the `VerifierTime` of an identity, as `tokenMethod` does. */
const timeMethod = Symbol.for('latchkey.time')

/** The time for an identity that no `verify` has returned, such as that of a test. */
const systemTime: VerifierTime = { clock: systemClock, toleranceSec: 5 }

/**
 * Stores its token in a private field, so that logs and JSON cannot expose it. Neither copies of an
 * identity nor JSON have the method that returns it.
 */
class VerifiedAuth implements Auth {
  readonly subject: string
  readonly sessionId: string | undefined
  readonly tokenId: string
  readonly kid: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly grants: Grants
  readonly authentication: Authentication | undefined
  readonly claims: Claims
  readonly #token: string
  readonly #time: VerifierTime

  constructor(claims: Claims, { kid, grants, authentication, token, time }: Verdict) {
    this.subject = claims.sub
    this.sessionId = claims.sid
    this.tokenId = claims.jti
    this.kid = kid
    this.issuedAt = claims.iat
    this.expiresAt = claims.exp
    this.grants = grants
    this.authentication = authentication
    this.claims = claims
    this.#token = token
    this.#time = time
  }

  [tokenMethod](): string {
    return this.#token
  }

  [timeMethod](): VerifierTime {
    return this.#time
  }
}

/** Creates the identity from the frozen claims of a token and its key. */
export function createAuth(claims: Claims, verdict: Verdict): Auth {
  return Object.freeze(new VerifiedAuth(claims, verdict))
}

/**
 * Returns the token of this identity; `undefined` if no `verify` has returned it, in any copy of
 * this package.
 */
export function tokenOf(auth: Auth<object>): string | undefined {
  const { [tokenMethod]: method } = auth as Auth<object> & { readonly [tokenMethod]?: () => string }
  return method?.call(auth)
}

/**
 * Returns the seconds since the subject authenticated, by the clock of the verifier; `undefined` if
 * the time is not known, or is later than the tolerance explains: then a clock was set.
 */
export function authenticationAgeSec(auth: Auth<object>): number | undefined {
  if (auth.authentication === undefined) return undefined
  const { [timeMethod]: method } = auth as Auth<object> & { readonly [timeMethod]?: () => VerifierTime }
  const { clock, toleranceSec } = method?.call(auth) ?? systemTime
  const ageSec = clock.now() / 1000 - auth.authentication.at
  return ageSec >= -toleranceSec ? Math.max(0, ageSec) : undefined
}
