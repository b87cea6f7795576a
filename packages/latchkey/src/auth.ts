import type { Claims, UntypedClaims } from './claims/check-claims.js'
import type { Grants } from './claims/grants.js'

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
  readonly token: string
}

/**
 * Names the method that returns the token of an identity. It is registered, because a process may
 * have several copies of this package: an application of ES modules with a plugin in CommonJS has
 * two. A private name is another one in each copy.
 */
const tokenMethod = Symbol.for('latchkey.token')

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
  readonly claims: Claims
  readonly #token: string

  constructor(claims: Claims, { kid, grants, token }: Verdict) {
    this.subject = claims.sub
    this.sessionId = claims.sid
    this.tokenId = claims.jti
    this.kid = kid
    this.issuedAt = claims.iat
    this.expiresAt = claims.exp
    this.grants = grants
    this.claims = claims
    this.#token = token
  }

  [tokenMethod](): string {
    return this.#token
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
