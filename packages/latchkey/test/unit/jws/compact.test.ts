import { createPrivateKey, createSecretKey, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isLatchkeyError } from '../../../src/errors.js'
import { type Algorithm, isSameAlgorithm } from '../../../src/jws/algorithms.js'
import { encodeBase64url } from '../../../src/jws/base64url.js'
import { HmacKey } from '../../../src/jws/hmac-key.js'
import { type KeyInput, signCompact, verifyCompact } from '../../../src/jws/index.js'
import { generatePair } from '../../support/generate-pair.js'
import { algorithms, pairs, rsa } from './keys.js'

const refused = (code: string) => expect.objectContaining({ code })
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as JsonWebKey & { kty: string }

describe.each(algorithms)('a token signed with %s', (alg) => {
  const { privateKey, publicKey } = pairs[alg]
  const jws = signCompact('payload', privateKey, { alg, kid: 'k-1', typ: 'at+jwt' })

  it('is accepted with the same payload, byte for byte', () => {
    for (const payload of [Buffer.alloc(0), Buffer.from([0, 255, 128, 10]), randomBytes(20_000)]) {
      const token = signCompact(payload, privateKey, { alg })
      expect(verifyCompact(token, publicKey, { algorithms: [alg] }).equals(payload)).toBe(true)
    }
    expect(verifyCompact(jws, publicKey, { algorithms }).toString()).toBe('payload')
  })

  it('is the same token for every form of the key', () => {
    const forms: [KeyInput, KeyInput][] = [[jwkOf(privateKey), jwkOf(publicKey)]]
    forms.push([
      { ...jwkOf(privateKey), alg },
      { ...jwkOf(publicKey), alg, use: 'sig', key_ops: ['verify'] },
    ])
    if (publicKey.type === 'secret') forms.push([publicKey.export(), new Uint8Array(publicKey.export())])
    for (const [signing, verifying] of forms) {
      const token = signCompact('payload', signing, { alg })
      expect(verifyCompact(token, verifying, { algorithms: [alg] }).toString()).toBe('payload')
      expect(verifyCompact(token, publicKey, { algorithms: [alg] }).toString()).toBe('payload')
    }
  })

  it('has the members of its header in the given order', () => {
    const [header = ''] = jws.split('.')
    expect(Buffer.from(header, 'base64url').toString()).toBe(`{"alg":"${alg}","kid":"k-1","typ":"at+jwt"}`)
  })

  it('is refused by another key of the same kind', () => {
    const other = publicKey.type === 'secret' ? randomBytes(64) : otherPublicKey(alg)
    expect(() => verifyCompact(jws, other, { algorithms: [alg] })).toThrow(refused('signature_invalid'))
  })

  it('is refused when its algorithm is not expected, though the key fits it', () => {
    const kin = algorithms.filter((name) => name !== alg && pairs[name].publicKey === publicKey)
    if (publicKey.type === 'secret') kin.push(alg === 'HS256' ? 'HS384' : 'HS256')
    for (const other of kin) {
      const key = publicKey.type === 'secret' ? Buffer.concat([publicKey.export(), Buffer.alloc(32)]) : publicKey
      expect(() => verifyCompact(jws, key, { algorithms: [other] })).toThrow(refused('algorithm_refused'))
    }
  })

  it('is refused when its header names another algorithm, expected or not', () => {
    const [, payload, signature] = jws.split('.')
    for (const other of algorithms.filter((name) => name !== alg)) {
      const swapped = `${encodeBase64url(JSON.stringify({ alg: other }))}.${payload}.${signature}`
      expect(() => verifyCompact(swapped, publicKey, { algorithms: [alg] })).toThrow(refused('algorithm_refused'))
      expect(() => verifyCompact(swapped, publicKey, { algorithms })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(algorithm_refused|signature_invalid)$/) }),
      )
    }
  })

  it('throws a TypeError, whatever its header, for a key that fits none of the expected algorithms', () => {
    const strangers = algorithms.filter((name) => name[0] !== alg[0] && pairs[name].publicKey !== publicKey)
    for (const token of [jws, '', 'junk']) {
      expect(() =>
        verifyCompact(token, publicKey, { algorithms: strangers.filter((name) => !isKin(name, alg)) }),
      ).toThrow(TypeError)
    }
  })
})

/** Returns whether a key for `alg` could be used for `name` as well. */
function isKin(name: Algorithm, alg: Algorithm): boolean {
  return /^[RP]S/.test(name) && /^[RP]S/.test(alg)
}

function otherPublicKey(alg: Algorithm): KeyObject {
  if (isSameAlgorithm(alg, 'Ed25519')) return generatePair('ed25519').publicKey
  if (/^[RP]S/.test(alg)) return generatePair('rsa', { modulusLength: 2048 }).publicKey
  return generatePair('ec', { namedCurve: { ES256: 'P-256', ES384: 'P-384' }[alg as string] ?? 'P-521' }).publicKey
}

describe('a public key', () => {
  const jws = signCompact('payload', rsa.privateKey, { alg: 'RS256' })
  const pem = Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }))
  const der = rsa.publicKey.export({ type: 'spki', format: 'der' })

  it('never verifies a token that was signed with its text as an HMAC secret', () => {
    const header = encodeBase64url('{"alg":"HS256"}')
    for (const text of [
      pem,
      der,
      Buffer.from(`${jwkOf(rsa.publicKey).n}`),
      Buffer.from(JSON.stringify(jwkOf(rsa.publicKey))),
    ]) {
      const input = `${header}.${encodeBase64url('{"sub":"admin"}')}`
      const forged = `${input}.${new HmacKey('HS256', text).sign(input)}`
      for (const key of [rsa.publicKey, jwkOf(rsa.publicKey), { ...jwkOf(rsa.publicKey), alg: 'RS256' }]) {
        expect(() => verifyCompact(forged, key, { algorithms: ['RS256'] })).toThrow(refused('algorithm_refused'))
        expect(() => verifyCompact(forged, key, { algorithms: ['HS256', 'RS256'] })).toThrow(
          refused('algorithm_refused'),
        )
        expect(() => verifyCompact(forged, key, { algorithms: ['HS256'] })).toThrow(TypeError)
      }
    }
  })

  it('is refused as PEM text, which could pass for a secret', () => {
    for (const key of [pem, new Uint8Array(pem), createSecretKey(pem), { kty: 'oct', k: encodeBase64url(pem) }]) {
      expect(() => verifyCompact(jws, key, { algorithms: ['HS256', 'RS256'] })).toThrow(TypeError)
      expect(() => signCompact('payload', key, { alg: 'HS256' })).toThrow(TypeError)
    }
  })

  it('cannot sign, and a private one cannot verify', () => {
    for (const alg of algorithms.filter((name) => pairs[name].publicKey.type === 'public')) {
      const { privateKey, publicKey } = pairs[alg]
      for (const key of [publicKey, jwkOf(publicKey)]) expect(() => signCompact('', key, { alg })).toThrow(TypeError)
      for (const key of [privateKey, jwkOf(privateKey)]) {
        expect(() => verifyCompact(jws, key, { algorithms: [alg] })).toThrow(TypeError)
      }
    }
  })
})

describe('a secret', () => {
  it('is not the key of a token for whose algorithm it is too short, so that the token is refused', () => {
    const long = randomBytes(64)
    const jws = signCompact('payload', long, { alg: 'HS512' })
    const options = { algorithms: ['HS256', 'HS512'] } as const
    expect(() => verifyCompact(jws, long.subarray(0, 32), options)).toThrow(refused('algorithm_refused'))
    expect(() => verifyCompact(jws, long.subarray(0, 32), { algorithms: ['HS512'] })).toThrow(TypeError)
  })

  it('cannot sign if it is shorter than the hash (RFC 7518 §3.2)', () => {
    expect(() => signCompact('', randomBytes(31), { alg: 'HS256' })).toThrow(TypeError)
    expect(() => signCompact('', randomBytes(47), { alg: 'HS384' })).toThrow(TypeError)
    expect(() => signCompact('', randomBytes(63), { alg: 'HS512' })).toThrow(TypeError)
    expect(() => signCompact('', new Uint8Array(), { alg: 'HS256' })).toThrow(TypeError)
    expect(() => signCompact('', createSecretKey(randomBytes(31)), { alg: 'HS256' })).toThrow(TypeError)
  })
})

describe('signing', () => {
  const key = randomBytes(64)

  it.each(['crit', 'b64', 'jku', 'jwk', 'x5u', 'x5c', 'zip'])(
    'refuses a header with %s, which no verifier here accepts',
    (name) => {
      for (const value of [null, false, '', ['exp']]) {
        expect(() => signCompact('', key, { alg: 'HS256', [name]: value })).toThrow(TypeError)
      }
    },
  )

  it('refuses a wrong header', () => {
    const headers: unknown[] = [
      undefined,
      null,
      {},
      [],
      'HS256',
      { alg: 'none' },
      { alg: 'hs256' },
      { alg: 'HS256', kid: 1 },
      { alg: 'HS256', typ: null },
      { alg: 'HS256', n: 1n },
      { alg: 'HS256', kid: 'k'.repeat(3000) },
      { alg: 'HS256', toJSON: () => ({ alg: 'none' }) },
    ]
    for (const header of headers) {
      expect(() => signCompact('', key, header as { alg: 'HS256' })).toThrow(TypeError)
    }
  })

  it('omits undefined members', () => {
    const [header = ''] = signCompact('', key, { alg: 'HS256', kid: undefined, typ: 'JWT' }).split('.')
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"HS256","typ":"JWT"}')
  })

  it('refuses text with a lone surrogate, which UTF-8 cannot encode', () => {
    expect(() => signCompact('a\ud800', key, { alg: 'HS256' })).toThrow(TypeError)
    const jws = signCompact('🙂’é', key, { alg: 'HS256' })
    expect(verifyCompact(jws, key, { algorithms: ['HS256'] }).toString()).toBe('🙂’é')
  })

  it('refuses a value that is no key', () => {
    for (const input of [
      undefined,
      null,
      '',
      'x'.repeat(64),
      7,
      {},
      [],
      { k: encodeBase64url(key) },
      createPrivateKey,
    ]) {
      expect(() => signCompact('', input as Uint8Array, { alg: 'HS256' })).toThrow(TypeError)
      expect(() => verifyCompact('a.b.c', input as Uint8Array, { algorithms: ['HS256'] })).toThrow(TypeError)
    }
  })
})

describe('verifying', () => {
  const key = randomBytes(64)
  const jws = signCompact('payload', key, { alg: 'HS256' })

  it('requires the expected algorithms', () => {
    for (const expected of [[], ['none'], ['HS256', 'none'], ['hs256'], 'HS256', undefined, null, [undefined]]) {
      expect(() => verifyCompact(jws, key, { algorithms: expected as unknown as ['HS256'] })).toThrow(TypeError)
    }
  })

  it.each([
    '',
    '.',
    '..',
    '...',
    'a.b',
    'a..c',
    '.b.c',
    'a.b.',
    `${jws}.`,
    `.${jws}`,
    `${jws}.${jws}`,
    jws.replace('.', '..'),
    jws.replace('.', ' .'),
    ` ${jws}`,
    '\u0000.\u0000.\u0000',
    '🙂.🙂.🙂',
  ])('refuses %j as malformed', (text) => {
    expect(() => verifyCompact(text, key, { algorithms: ['HS256'] })).toThrow(refused('token_malformed'))
  })

  it.each([undefined, null, 7, {}, [], Buffer.from(jws), { toString: () => jws }])(
    'refuses %j, which is no text',
    (input) => {
      expect(() => verifyCompact(input as string, key, { algorithms: ['HS256'] })).toThrow(refused('token_malformed'))
    },
  )

  it('refuses a payload that is not canonical base64url although its signature is valid', () => {
    const header = encodeBase64url('{"alg":"HS256"}')
    for (const payload of ['QQ=', 'QQ==', 'QR', 'A', 'Q Q', '+/', 'QQ\n']) {
      const input = `${header}.${payload}`
      const signature = new HmacKey('HS256', key).sign(input)
      expect(() => verifyCompact(`${input}.${signature}`, key, { algorithms: ['HS256'] })).toThrow(
        refused('token_malformed'),
      )
    }
  })

  it('accepts the empty payload', () => {
    expect(verifyCompact(signCompact('', key, { alg: 'HS256' }), key, { algorithms: ['HS256'] })).toHaveLength(0)
  })

  it('shows neither token nor key in its errors', () => {
    try {
      verifyCompact(`${jws}A`, key, { algorithms: ['HS256'] })
      expect.unreachable()
    } catch (error) {
      if (!isLatchkeyError(error)) throw error
      const [, , signature = ''] = jws.split('.')
      expect(JSON.stringify({ ...error, message: error.message })).not.toContain(signature.slice(0, 10))
    }
  })
})
