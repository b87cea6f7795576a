import { constants, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSigner, createVerifier } from '../../../src/jws/signature-key.js'
import { generatePair } from '../../support/generate-pair.js'
import { signatureAlgorithms as algorithms, type Pair, signaturePairs as pairs, rsa } from './keys.js'

describe.each(algorithms)('a key pair pinned to %s', (algorithm) => {
  const { privateKey, publicKey } = pairs[algorithm]
  const signer = createSigner(algorithm, privateKey)
  const verifier = createVerifier(algorithm, publicKey)
  const input = 'eyJhbGciOiJ4In0.cGF5bG9hZA'
  const signature = signer.sign(input)

  it('verifies its own signature, and no other', () => {
    expect(verifier.verify(input, signature)).toBe(true)
    expect(verifier.verify(`${input}A`, signature)).toBe(false)
    expect(verifier.verify('', signature)).toBe(false)
  })

  it('refuses the signature of every other algorithm that the same key fits', () => {
    for (const other of algorithms.filter((name) => name !== algorithm && pairs[name].privateKey === privateKey)) {
      expect(verifier.verify(input, createSigner(other, privateKey).sign(input))).toBe(false)
    }
  })

  it('refuses every signature with a bit changed, a byte less or a byte more', () => {
    const bytes = Buffer.from(signature, 'base64url')
    const step = Math.ceil(bytes.length / 32)
    for (let at = 0; at < bytes.length; at += step) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (at % 8)), at)
      expect(verifier.verify(input, changed.toString('base64url'))).toBe(false)
    }
    for (const other of [bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.alloc(1)])]) {
      expect(verifier.verify(input, other.toString('base64url'))).toBe(false)
    }
    expect(verifier.verify(input, Buffer.concat([Buffer.alloc(1), bytes]).toString('base64url'))).toBe(false)
    expect(verifier.verify(input, Buffer.alloc(bytes.length).toString('base64url'))).toBe(false)
    expect(verifier.verify(input, Buffer.alloc(bytes.length, 0xff).toString('base64url'))).toBe(false)
  })

  it('returns false, and throws nothing, for texts that are no signature', () => {
    const texts = ['', '=', `${signature}=`, ` ${signature}`, `${signature}\n`, 'é', '\ud800', '🙂', signature.slice(1)]
    for (const text of texts) expect(verifier.verify(input, text)).toBe(false)
    for (const text of ['é', '\ud800', `${input}\u0100`]) expect(verifier.verify(text, signature)).toBe(false)
  })

  it('signs only ASCII text', () => {
    expect(() => signer.sign('é')).toThrow(TypeError)
    expect(() => signer.sign('\ud800')).toThrow(TypeError)
  })

  it('refuses the wrong half of a pair, at creation', () => {
    expect(() => createSigner(algorithm, publicKey)).toThrow(TypeError)
    expect(() => createVerifier(algorithm, privateKey)).toThrow(TypeError)
  })

  it('refuses the keys of other algorithms, at creation', () => {
    const unfit: Pair[] = algorithms
      .map((name) => pairs[name])
      .filter((pair) => pair.privateKey !== privateKey && !isSameKind(pair, pairs[algorithm]))
    unfit.push(
      generatePair('ed448'),
      generatePair('x25519'),
      generatePair('ec', { namedCurve: 'secp256k1' }),
      generatePair('rsa', { modulusLength: 2040 }),
      generatePair('rsa-pss', { modulusLength: 2048 }),
    )
    for (const pair of unfit) {
      expect(() => createSigner(algorithm, pair.privateKey)).toThrow(TypeError)
      expect(() => createVerifier(algorithm, pair.publicKey)).toThrow(TypeError)
    }
  })
})

function isSameKind({ privateKey: one }: Pair, { privateKey: other }: Pair): boolean {
  const curve = one.asymmetricKeyDetails?.namedCurve
  return one.asymmetricKeyType === other.asymmetricKeyType && curve === other.asymmetricKeyDetails?.namedCurve
}

describe('an RSA-PSS signature that begins with a zero', () => {
  it('is refused without the zero, although OpenSSL accepts it, because one signature has one encoding', () => {
    const { privateKey, publicKey } = rsa
    const verifier = createVerifier('PS256', publicKey)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST
    let signature: Buffer
    do signature = sign('sha256', Buffer.from('a.b'), { key: privateKey, padding, saltLength })
    while (signature[0] !== 0)
    expect(verifier.verify('a.b', signature.toString('base64url'))).toBe(true)
    expect(verifier.verify('a.b', signature.subarray(1).toString('base64url'))).toBe(false)
  })
})
