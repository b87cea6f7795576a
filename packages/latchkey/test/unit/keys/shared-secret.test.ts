import { createHash } from 'node:crypto'
import { jwtVerify, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { sharedSecret } from '../../../src/keys/shared-secret.js'
import { createLatchkey } from '../../../src/latchkey.js'
import { outcomeOf } from '../../support/setup.js'

const issuer = 'https://issuer.test'
const [oldSecret, newSecret] = ['an old secret of thirty-two bytes', 'a new secret, again of enough bytes']

function latchkeyWith(...secrets: (string | Uint8Array)[]) {
  return createLatchkey({ issuer, audience: 'test', keys: sharedSecret({ secrets }) })
}

describe('one shared secret', () => {
  it('issues and verifies synchronously', () => {
    const latchkey = latchkeyWith(oldSecret)
    const issued = latchkey.issue({ subject: 'alice' })
    if (issued instanceof Promise) throw new Error('Nothing has to be read.')
    expect(latchkey.verify(issued.token)).toMatchObject({ subject: 'alice' })
  })

  it('can be rotated, and verifies tokens of the old one until that is removed', async () => {
    const { token } = await latchkeyWith(oldSecret).issue({ subject: 'alice' })
    const rotated = latchkeyWith(newSecret, oldSecret)
    expect(await rotated.verify(token)).toMatchObject({ subject: 'alice' })
    const fresh = await rotated.issue({ subject: 'alice' })
    const after = latchkeyWith(newSecret)
    expect(await after.verify(fresh.token)).toMatchObject({ subject: 'alice' })
    expect(await outcomeOf(() => after.verify(token))).toBe('kid_unknown')
  })

  it('is the same secret as text and as bytes', async () => {
    const { token } = await latchkeyWith(oldSecret).issue({ subject: 'alice' })
    expect(await latchkeyWith(Buffer.from(oldSecret)).verify(token)).toMatchObject({ subject: 'alice' })
  })

  it('signs tokens that another library accepts, and accepts those of another library that set kid and typ', async () => {
    const latchkey = latchkeyWith(oldSecret)
    const { token } = await latchkey.issue({ subject: 'alice' })
    const { payload } = await jwtVerify(token, Buffer.from(oldSecret), { issuer, audience: 'test', typ: 'at+jwt' })
    expect(payload.sub).toBe('alice')
    const { kid } = JSON.parse(Buffer.from(String(token.split('.')[0]), 'base64url').toString())
    const sign = (header: { kid?: string; typ?: string; alg: string }) =>
      new SignJWT({ jti: 'x' })
        .setProtectedHeader(header)
        .setIssuer(issuer)
        .setAudience('test')
        .setSubject('alice')
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(Buffer.from(oldSecret))
    expect(await latchkey.verify(await sign({ kid, typ: 'at+jwt', alg: 'HS256' }))).toMatchObject({ subject: 'alice' })
    const refused = [
      [{ typ: 'at+jwt', alg: 'HS256' }, 'kid_unknown'],
      [{ kid: 'other', typ: 'at+jwt', alg: 'HS256' }, 'kid_unknown'],
      [{ kid, alg: 'HS256' }, 'type_mismatch'],
      [{ kid, typ: 'at+jwt', alg: 'HS384' }, 'algorithm_refused'],
    ] as const
    for (const [header, code] of refused) {
      expect(await outcomeOf(async () => latchkey.verify(await sign(header)))).toBe(code)
    }
  })

  it('verifies by the secret that the header names, and by no other', async () => {
    const [issuedByOld, issuedByNew] = [latchkeyWith(oldSecret), latchkeyWith(newSecret)].map((one) =>
      one.issue({ subject: 'alice' }),
    )
    const [old, fresh] = [(await issuedByOld)?.token, (await issuedByNew)?.token]
    const swapped = [old?.split('.')[0], ...String(fresh).split('.').slice(1)].join('.')
    expect(await outcomeOf(() => latchkeyWith(newSecret, oldSecret).verify(swapped))).toBe('signature_invalid')
  })

  it('has a kid that is the same in every process, differs for another secret, and does not reveal the secret', async () => {
    const kidOf = async (secret: string) => (await sharedSecret({ secrets: [secret] }).signingKey('alice')).kid
    const kid = await kidOf(oldSecret)
    expect(await kidOf(oldSecret)).toBe(kid)
    expect(await kidOf(newSecret)).not.toBe(kid)
    const kidBytes = Buffer.from(kid, 'base64url')
    expect(kidBytes).toHaveLength(16)
    const hashes = ['sha256', 'sha384', 'sha512'].map((name) => createHash(name).update(oldSecret).digest())
    for (const known of [Buffer.from(oldSecret), ...hashes]) expect(known.includes(kidBytes.subarray(0, 4))).toBe(false)
  })

  it.each([
    ['none', []],
    ['one that is too short', ['short']],
    ['the same one twice', [oldSecret, oldSecret]],
    ['a value that is no secret', [1 as unknown as string]],
  ])('may not be %s', (_, secrets) => {
    expect(() => sharedSecret({ secrets })).toThrow(TypeError)
  })

  it('must be as long as its hash', () => {
    expect(() => sharedSecret({ secrets: ['x'.repeat(47)], algorithm: 'HS384' })).toThrow(TypeError)
    expect(() => sharedSecret({ secrets: ['x'.repeat(64)], algorithm: 'HS512' })).not.toThrow()
    expect(() => sharedSecret({ secrets: ['x'.repeat(64)], algorithm: 'RS256' as 'HS512' })).toThrow(TypeError)
  })
})
