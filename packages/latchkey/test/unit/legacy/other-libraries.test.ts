import { createSecretKey, randomBytes } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { exportJWK, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.js'
import type { Jwk } from '../../../src/jws/jwk.js'
import type { LegacyTokensOptions } from '../../../src/legacy/legacy-options.js'
import { legacyTokens } from '../../../src/legacy/legacy-tokens.js'
import { generatePair } from '../../support/generate-pair.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const secret = 'a secret of thirty-two characters'
const bytes = randomBytes(64)
const rsa = generatePair('rsa', { modulusLength: 2048 })
const ed25519 = generatePair('ed25519')
const p256 = generatePair('ec', { namedCurve: 'P-256' })
const until = new Date(Date.now() + 86_400_000)
const pem = { type: 'pkcs8', format: 'pem' } as const

/** Each signs a payload as the documentation of its library shows. */
const signers: Readonly<
  Record<string, readonly [options: Omit<LegacyTokensOptions, 'until'>, sign: (payload: object) => Promise<string>]>
> = {
  'jsonwebtoken with a secret': [
    { secret },
    async (payload) => jsonwebtoken.sign(payload, secret, { expiresIn: '7d' }),
  ],
  'jsonwebtoken with HS512 and no expiry': [
    { secret: bytes, algorithms: ['HS512'] },
    async (payload) => jsonwebtoken.sign(payload, bytes, { algorithm: 'HS512' }),
  ],
  'jsonwebtoken with RS256': [
    { key: rsa.publicKey, algorithms: ['RS256'], issuer: 'old', audience: ['web', 'app'] },
    async (payload) =>
      jsonwebtoken.sign(payload, rsa.privateKey.export(pem), {
        algorithm: 'RS256',
        expiresIn: 60,
        keyid: 'main',
        issuer: 'old',
        audience: 'app',
        jwtid: 'one',
        notBefore: 0,
      }),
  ],
  '@nestjs/jwt, which signs by jsonwebtoken, after a change of its secret': [
    { secret: [randomBytes(32), secret] },
    async (payload) => jsonwebtoken.sign(payload, secret, { expiresIn: '60s', subject: 'ignored' }),
  ],
  'fast-jwt with a secret': [{ secret }, async (payload) => createSigner({ key: secret })({ ...payload })],
  'fast-jwt with EdDSA': [
    { key: ed25519.publicKey, algorithms: ['EdDSA'] },
    async (payload) =>
      createSigner({ key: String(ed25519.privateKey.export(pem)), algorithm: 'EdDSA' })({ ...payload }),
  ],
  'jose without typ': [
    { secret },
    (payload) =>
      new SignJWT({ ...payload })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(createSecretKey(Buffer.from(secret))),
  ],
  'jose with ES256, as an access token of RFC 9068': [
    { key: (await exportJWK(p256.publicKey)) as Jwk, algorithms: ['ES256'] },
    (payload) =>
      new SignJWT({ ...payload })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k'.repeat(32) })
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(p256.privateKey),
  ],
}

describe.each(Object.entries(signers))('a token of %s', (_, [options, sign]) => {
  const open = () => setUp({ clock: systemClock, keys: { legacy: legacyTokens({ subject: 'id', until, ...options }) } })

  it('is accepted for its user until that user is revoked', async () => {
    const { latchkey, keys } = open()
    const token = await sign({ id: 42, plan: 'pro' })
    const auth = await latchkey.verify(token)
    expect(auth).toMatchObject({ subject: '42', kid: 'legacy', grants: { roles: [], scope: '' } })
    expect(auth.claims).toMatchObject({ id: 42, plan: 'pro', sub: '42' })
    expect(auth.expiresAt).toBeLessThanOrEqual(until.getTime() / 1000)
    expect(latchkey.verify(token)).toBe(auth)
    await keys.revoke('42')
    expect(await outcomeOf(() => latchkey.verify(token))).toBe('token_revoked')
    const { token: fresh } = await latchkey.issue({ subject: '42' })
    expect(await latchkey.verify(fresh)).toMatchObject({ subject: '42' })
    await latchkey.close()
  })

  it('is refused with one altered character, and by a verifier without legacy tokens', async () => {
    const { latchkey } = open()
    const token = await sign({ id: 'ada' })
    const at = token.lastIndexOf('.') + 2
    const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    expect(await outcomeOf(() => latchkey.verify(altered))).toBe('signature_invalid')
    const other = setUp({ clock: systemClock })
    expect(['kid_unknown', 'type_mismatch', 'algorithm_refused']).toContain(
      await outcomeOf(() => other.latchkey.verify(token)),
    )
    await Promise.all([latchkey.close(), other.latchkey.close()])
  })
})
