import { refusal } from '../errors.js'

export interface Claims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  readonly jti: string
  readonly nbf?: number
  readonly sid?: string
  readonly [name: string]: unknown
}

export function parseClaims(payload: Buffer): Claims {
  let claims: Record<string, unknown>
  try {
    claims = JSON.parse(payload.toString('utf8'))
  } catch {
    throw refusal('token_malformed')
  }
  for (const name of ['iss', 'sub', 'jti']) {
    if (claims[name] === undefined) throw refusal('claim_missing')
    if (typeof claims[name] !== 'string' || claims[name] === '') throw refusal('claim_invalid')
  }
  for (const name of ['exp', 'iat']) {
    if (claims[name] === undefined) throw refusal('claim_missing')
    if (!Number.isFinite(claims[name])) throw refusal('claim_invalid')
  }
  return claims as unknown as Claims
}

export interface ExpectedClaims {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly nowSec: number
  readonly toleranceSec: number
}

export function checkClaims(claims: Claims, { issuer, audiences, nowSec, toleranceSec }: ExpectedClaims): void {
  if (claims.iss !== issuer) throw refusal('issuer_mismatch')
  const { aud } = claims
  const meant = typeof aud === 'string' ? audiences.includes(aud) : aud.some((one) => audiences.includes(one))
  if (!meant) throw refusal('audience_mismatch')
  if (!(nowSec < claims.exp + toleranceSec)) throw refusal('token_expired')
}
