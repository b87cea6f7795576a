import type { Claims } from './claims/check-claims.js'

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
  /** All claims, the registered ones included. */
  readonly claims: Claims
}

/** The verified identity that a token's claims and key make. */
export function createAuth(claims: Claims, kid: string): Auth {
  return Object.freeze({
    subject: claims.sub,
    sessionId: claims.sid,
    tokenId: claims.jti,
    kid,
    issuedAt: claims.iat,
    expiresAt: claims.exp,
    claims: deepFreeze(claims),
  })
}

function deepFreeze<T extends object>(value: T): T {
  for (const name in value) {
    const member = value[name]
    if (typeof member === 'object' && member !== null) deepFreeze(member)
  }
  return Object.freeze(value)
}
