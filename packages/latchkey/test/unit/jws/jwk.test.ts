import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { importJwk, publicJwkOf, publicKeyOfJwk } from '../../../src/jws/jwk.js'
import { generatePair } from '../../support/generate-pair.js'
import { pairs, rsa, signatureAlgorithms, signaturePairs } from './keys.js'

const jwkOf = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' })
const ec = jwkOf(pairs.ES256.publicKey)
const ecPrivate = jwkOf(pairs.ES256.privateKey)
const ed = jwkOf(pairs.EdDSA.publicKey)
const rsaPublic = jwkOf(rsa.publicKey)
const oct = jwkOf(pairs.HS256.publicKey)
const oct64 = jwkOf(pairs.HS512.publicKey)

describe('the algorithm of a JWK', () => {
  it.each([
    ['P-256', ec, ['ES256']],
    ['P-384', jwkOf(pairs.ES384.publicKey), ['ES384']],
    ['P-521', jwkOf(pairs.ES512.publicKey), ['ES512']],
    ['Ed25519', ed, ['Ed25519', 'EdDSA']],
    ['RSA', rsaPublic, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['a secret of 32 bytes', oct, ['HS256']],
    ['a secret of 48 bytes', jwkOf(pairs.HS384.publicKey), ['HS256', 'HS384']],
    ['a secret of 64 bytes', oct64, ['HS256', 'HS384', 'HS512']],
  ])('is one that its key type allows: %s', (_name, jwk, expected) => {
    expect(importJwk(jwk, 'verify').algorithms).toEqual(expected)
  })

  it('is the one that it names', () => {
    expect(importJwk({ ...rsaPublic, alg: 'PS384' }, 'verify').algorithms).toEqual(['PS384'])
    expect(importJwk({ ...oct64, alg: 'HS384' }, 'verify').algorithms).toEqual(['HS384'])
    expect(publicKeyOfJwk({ ...rsaPublic, alg: 'PS384', kid: 'k' })).toMatchObject({ algorithm: 'PS384', kid: 'k' })
    expect(publicKeyOfJwk(ec)).toMatchObject({ algorithm: 'ES256', kid: undefined })
  })

  it('may be stated only if the JWK leaves it open', () => {
    expect(publicKeyOfJwk(rsaPublic, 'RS512').algorithm).toBe('RS512')
    expect(publicKeyOfJwk({ ...rsaPublic, alg: 'RS512' }, 'RS512').algorithm).toBe('RS512')
    expect(() => publicKeyOfJwk(rsaPublic)).toThrow(TypeError)
    expect(() => publicKeyOfJwk({ ...rsaPublic, alg: 'RS512' }, 'RS256')).toThrow(TypeError)
    expect(() => publicKeyOfJwk(ec, 'RS256')).toThrow(TypeError)
    expect(() => publicKeyOfJwk(ec, 'ES384')).toThrow(TypeError)
  })

  it.each([
    ['none', 'none'],
    ['of another kind', 'HS256'],
    ['of another curve', 'ES384'],
    ['of another key', 'RS256'],
    ['for encryption', 'ECDH-ES'],
    ['a name in other letters', 'es256'],
    ['no text', ['ES256']],
    ['null', null],
  ])('is refused when it is %s', (_name, alg) => {
    expect(() => importJwk({ ...ec, alg }, 'verify')).toThrow(TypeError)
  })

  it('is never HMAC for a public key, nor a signature for a secret', () => {
    for (const jwk of [ec, ed, rsaPublic])
      expect(() => importJwk({ ...jwk, alg: 'HS256' }, 'verify')).toThrow(TypeError)
    expect(() => importJwk({ ...oct, alg: 'RS256' }, 'verify')).toThrow(TypeError)
    expect(() => publicKeyOfJwk(oct)).toThrow(TypeError)
    expect(() => publicKeyOfJwk({ ...rsaPublic, kty: 'oct', k: rsaPublic.n })).toThrow(TypeError)
  })
})

describe('the purpose of a JWK', () => {
  it.each([
    [{ use: 'sig' }],
    [{ key_ops: ['verify'] }],
    [{ key_ops: ['sign', 'verify'] }],
    [{ use: 'sig', key_ops: ['verify'] }],
    [{ key_ops: ['verify', 'encrypt'] }],
    [{ x5t: 'anything', 'https://example.com/member': 1 }],
  ])('allows verifying: %j', (members) => {
    expect(importJwk({ ...ec, ...members }, 'verify').algorithms).toEqual(['ES256'])
  })

  it.each([
    [{ use: 'enc' }],
    [{ use: 'SIG' }],
    [{ use: null }],
    [{ use: ['sig'] }],
    [{ key_ops: [] }],
    [{ key_ops: ['sign'] }],
    [{ key_ops: ['VERIFY'] }],
    [{ key_ops: 'verify' }],
    [{ key_ops: null }],
    [{ key_ops: { 0: 'verify' } }],
    [{ key_ops: ['verify', 'verify'] }],
    [{ key_ops: ['verify', 'sign', 'sign'] }],
    [{ use: 'sig', key_ops: ['verify', 'encrypt'] }],
    [{ use: 'enc', key_ops: ['verify'] }],
    [{ kid: 1 }],
    [{ kid: null }],
  ])('forbids verifying: %j', (members) => {
    for (const jwk of [ec, ed, oct, { ...rsaPublic, alg: 'RS256' }]) {
      expect(() => importJwk({ ...jwk, ...members }, 'verify')).toThrow(TypeError)
    }
  })

  it('is signing only if key_ops names it', () => {
    expect(importJwk({ ...ecPrivate, key_ops: ['sign'] }, 'sign').key.type).toBe('private')
    expect(() => importJwk({ ...ecPrivate, key_ops: ['verify'] }, 'sign')).toThrow(TypeError)
    expect(() => importJwk({ ...oct, key_ops: ['verify'] }, 'sign')).toThrow(TypeError)
    expect(() => importJwk({ ...oct, key_ops: ['sign'] }, 'verify')).toThrow(TypeError)
  })
})

describe('the material of a JWK', () => {
  it('is imported as a key', () => {
    for (const algorithm of signatureAlgorithms) {
      const { privateKey, publicKey } = signaturePairs[algorithm]
      expect(publicKeyOfJwk(jwkOf(publicKey), algorithm).key.equals(publicKey)).toBe(true)
      expect(importJwk(jwkOf(privateKey), 'sign').key.equals(privateKey)).toBe(true)
    }
    expect(importJwk(oct, 'sign').key.equals(pairs.HS256.privateKey)).toBe(true)
  })

  it('is refused for verifying with a private key, and for signing with a public one', () => {
    for (const algorithm of signatureAlgorithms) {
      const { privateKey, publicKey } = signaturePairs[algorithm]
      expect(() => publicKeyOfJwk(jwkOf(privateKey), algorithm)).toThrow(TypeError)
      expect(() => importJwk(jwkOf(publicKey), 'sign')).toThrow(TypeError)
    }
  })

  it.each([
    undefined,
    null,
    1,
    true,
    'oct',
    [],
    () => {},
    {},
    { kty: 1 },
    { kty: 'oct' },
    { kty: 'EC' },
    { kty: 'ec', ...{ x: 1 } },
    { kty: 'toString' },
  ])('is refused when it is no JWK: %j', (jwk) => {
    expect(() => importJwk(jwk, 'verify')).toThrow(TypeError)
    expect(() => importJwk(jwk, 'sign')).toThrow(TypeError)
  })

  it('is base64url without padding in every member', () => {
    const spoilt = (text: unknown) => [`${text}=`, ` ${text}`, `${text}\n`, `+${text}`, '', undefined, null, 7, [text]]
    for (const jwk of [ec, ed, rsaPublic, oct]) {
      for (const name of ['x', 'y', 'n', 'e', 'k'].filter((member) => jwk[member] !== undefined)) {
        for (const value of spoilt(jwk[name])) {
          expect(() => importJwk({ ...jwk, [name]: value }, 'verify')).toThrow(TypeError)
        }
      }
    }
  })

  it('has the full length of its curve (RFC 7518 §6.2.1.2), and lies on it', () => {
    const longer = (text = '') => Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')]).toString('base64url')
    const shorter = (text = '') => Buffer.from(text, 'base64url').subarray(1).toString('base64url')
    for (const change of [longer, shorter]) {
      expect(() => importJwk({ ...ec, x: change(ec.x) }, 'verify')).toThrow(TypeError)
      expect(() => importJwk({ ...ed, x: change(ed.x) }, 'verify')).toThrow(TypeError)
      expect(() => importJwk({ ...ecPrivate, d: change(ecPrivate.d) }, 'sign')).toThrow(TypeError)
    }
    expect(() => importJwk({ ...ec, x: ec.y, y: ec.x }, 'verify')).toThrow(TypeError)
    expect(() => importJwk({ ...ec, x: 'A'.repeat(43), y: 'A'.repeat(43) }, 'verify')).toThrow(TypeError)
  })

  it('is of a supported curve', () => {
    for (const key of [
      generatePair('ed448').publicKey,
      generatePair('x25519').publicKey,
      generatePair('ec', { namedCurve: 'secp256k1' }).publicKey,
    ]) {
      expect(() => importJwk(jwkOf(key), 'verify')).toThrow(TypeError)
    }
    for (const crv of ['P-384', 'Ed25519', 'p-256', 'toString', undefined, null, 256]) {
      expect(() => importJwk({ ...ec, crv }, 'verify')).toThrow(TypeError)
    }
    expect(() => importJwk({ ...ed, crv: 'P-256' }, 'verify')).toThrow(TypeError)
  })

  it('is long enough for its algorithm', () => {
    expect(() => importJwk(jwkOf(generatePair('rsa', { modulusLength: 2040 }).publicKey), 'verify')).toThrow(TypeError)
    expect(() => importJwk(jwkOf(createSecretKey(Buffer.alloc(31))), 'verify')).toThrow(TypeError)
    expect(() => importJwk({ ...oct, alg: 'HS512' }, 'verify')).toThrow(TypeError)
  })

  it('has two primes', () => {
    expect(() => importJwk({ ...jwkOf(rsa.privateKey), oth: [] }, 'sign')).toThrow(TypeError)
    expect(() => importJwk({ ...jwkOf(rsa.privateKey), p: undefined }, 'sign')).toThrow(TypeError)
  })

  it('is never quoted in an error', () => {
    const d = `${ecPrivate.d}`
    for (const jwk of [
      { ...ecPrivate, d: `${d}=` },
      { ...ecPrivate, x: d },
      { ...ecPrivate, crv: d },
      { kty: 'oct', k: `${d}=`, alg: d },
    ]) {
      try {
        importJwk(jwk, 'sign')
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
        expect(String((error as Error).stack)).not.toContain(d)
        expect((error as Error).cause).toBeUndefined()
      }
    }
  })
})

describe.each(signatureAlgorithms)('the public JWK of a key for %s', (alg) => {
  const { privateKey, publicKey } = signaturePairs[alg]

  it('states its purpose, and imports as the same key', () => {
    const jwk = publicJwkOf(publicKey, { kid: 'k-1', alg })
    expect(jwk).toMatchObject({ kid: 'k-1', alg, use: 'sig' })
    const imported = publicKeyOfJwk(JSON.parse(JSON.stringify(jwk)))
    expect(imported).toMatchObject({ algorithm: alg, kid: 'k-1' })
    expect(imported.key.equals(publicKey)).toBe(true)
  })

  it('has no private member, also when it is made from the private key', () => {
    const jwk = publicJwkOf(privateKey, { kid: 'k-1', alg })
    expect(jwk).toEqual(publicJwkOf(createPublicKey(privateKey), { kid: 'k-1', alg }))
    const names = { EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'], RSA: ['e', 'n'] }[jwk.kty] ?? []
    expect(Object.keys(jwk).sort()).toEqual([...names, 'alg', 'kid', 'kty', 'use'].sort())
  })

  it('is refused for an algorithm that the key does not fit', () => {
    for (const other of signatureAlgorithms.filter(
      (name) => signaturePairs[name].publicKey.asymmetricKeyType !== publicKey.asymmetricKeyType,
    )) {
      expect(() => publicJwkOf(publicKey, { kid: 'k-1', alg: other })).toThrow(TypeError)
    }
  })
})

describe('a secret', () => {
  it('never becomes a public JWK', () => {
    expect(() => publicJwkOf(pairs.HS256.privateKey, { kid: 'k-1', alg: 'ES256' })).toThrow(TypeError)
  })
})
