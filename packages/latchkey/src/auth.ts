import type { Claims } from './claims/check-claims.js'
import { deepFreeze, type Grants } from './claims/grants.js'

/** Who a verified token speaks for, and on what terms. Frozen, with everything in it: callers may share it (C8). */
export interface Auth {
  /** The `sub` claim. */
  readonly subject: string
  /** The session of the token, its `sid` claim. */
  readonly sessionId: string | undefined
  /** The ID of the token, its `jti` claim. */
  readonly tokenId: string
  /** The key that signed. */
  readonly kid: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** What the subject may do. Decide by these, and never by `claims`: whoever has a tenant's secret can claim anything. */
  readonly grants: Grants
  /** All claims, the registered ones included. */
  readonly claims: Claims
}

/** What the verification of a token found besides its claims. */
export interface Verdict {
  readonly kid: string
  /** Frozen. */
  readonly grants: Grants
  readonly token: string
}

/** The identity as it is handed out. It remembers its token where nobody sees it: not in logs, not in JSON, not for the application. */
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

  static tokenOf(auth: Auth): string | undefined {
    return #token in auth ? auth.#token : undefined
  }
}

/** The verified identity that a token's claims and key make. */
export function createAuth(claims: Claims, verdict: Verdict): Auth {
  deepFreeze(claims)
  return Object.freeze(new VerifiedAuth(claims, verdict))
}

/** The token that this identity was verified from; `undefined` when it was not made here. */
export function tokenOf(auth: Auth): string | undefined {
  return VerifiedAuth.tokenOf(auth)
}
