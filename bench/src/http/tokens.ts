import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { audience, issuer, type Population, type TenantSecret, tokenType } from '../population.js'

/** Keys of the peers: the tenants' keys, and a shared one for tokens with a version claim. */
export interface PeerKeys {
  /** Returns the key that the `kid` names. Throws when there is none. */
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

/** Returns a token of the shared secret, with the version of the user's row. */
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

/** Returns the same token with the type `JWT`, signed with the same key. */
export function retyped(token: string, { secretOf }: PeerKeys): string {
  const { header, payload } = jsonwebtoken.decode(token, { complete: true }) ?? {}
  if (header === undefined || typeof payload !== 'object') throw new Error('The text is not a JWT.')
  return jsonwebtoken.sign(payload, secretOf(header.kid).keyObject, { header: { ...header, typ: 'JWT' } })
}

/** Returns variants that must be refused: tampered with, signed with another key, expired. */
export function badTokens(good: string, key: KeyObject): readonly string[] {
  const { header, payload } = jsonwebtoken.decode(good, { complete: true }) ?? {}
  if (header === undefined || typeof payload !== 'object') throw new Error('The text is not a JWT.')
  const [head, , signature] = good.split('.')
  const tampered = Buffer.from(JSON.stringify({ ...payload, role: 'tampered' })).toString('base64url')
  const sign = (claims: object, signer: KeyObject) => jsonwebtoken.sign(claims, signer, { header, algorithm: 'HS256' })
  const expired = { ...payload, iat: (payload.iat ?? 0) - 7200, exp: (payload.iat ?? 0) - 3600 }
  return [`${head}.${tampered}.${signature}`, sign(payload, createSecretKey(randomBytes(32))), sign(expired, key)]
}
