import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { audience, issuer, type Population, type TenantSecret, tokenType } from '../population.js'

/** What the peers are given: the tenants' keys, and one more for the tokens that carry a version. */
export interface PeerKeys {
  /** The key that a token's header names. Throws when there is none. */
  readonly secretOf: (kid: unknown) => TenantSecret
  readonly shared: KeyObject
}

export function peerKeys({ secrets }: Population): PeerKeys {
  const secretOf = (kid: unknown): TenantSecret => {
    const secret = typeof kid === 'string' ? secrets.get(kid) : undefined
    if (secret === undefined) throw new Error('unknown kid')
    return secret
  }
  return { secretOf, shared: createSecretKey(randomBytes(32)) }
}

/** A token of one secret for everybody, with the version that the user's row had. */
export function versionedToken(subject: string, key: KeyObject, expiresInSec = 3600): string {
  return jsonwebtoken.sign({ email: `${subject}@example.com`, role: 'editor', ver: 1, sid: randomUUID() }, key, {
    subject,
    issuer,
    audience,
    jwtid: randomUUID(),
    expiresIn: expiresInSec,
    header: { alg: 'HS256', typ: tokenType },
  })
}

/** The same token with the type `JWT`, signed by the same key. */
export function retyped(token: string, { secretOf }: PeerKeys): string {
  const { header, payload } = jsonwebtoken.decode(token, { complete: true }) ?? {}
  if (header === undefined || typeof payload !== 'object') throw new Error('This is no token.')
  return jsonwebtoken.sign(payload, secretOf(header.kid).keyObject, { header: { ...header, typ: 'JWT' } })
}

/** Tokens like this one that must be refused: tampered with, signed by a stranger, expired. */
export function badTokens(good: string, key: KeyObject): readonly string[] {
  const { header, payload } = jsonwebtoken.decode(good, { complete: true }) ?? {}
  if (header === undefined || typeof payload !== 'object') throw new Error('This is no token.')
  const [head, , signature] = good.split('.')
  const tampered = Buffer.from(JSON.stringify({ ...payload, role: 'tampered' })).toString('base64url')
  const sign = (claims: object, signer: KeyObject) => jsonwebtoken.sign(claims, signer, { header, algorithm: 'HS256' })
  const expired = { ...payload, iat: (payload.iat ?? 0) - 7200, exp: (payload.iat ?? 0) - 3600 }
  return [`${head}.${tampered}.${signature}`, sign(payload, createSecretKey(randomBytes(32))), sign(expired, key)]
}
