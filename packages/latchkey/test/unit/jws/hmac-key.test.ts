import { createHmac, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HmacKey, hmacOf, hmacSecretOf } from '../../../src/jws/hmac-key.js'

const hashes = [
  { algorithm: 'HS256', hash: 'sha256', least: 32 },
  { algorithm: 'HS384', hash: 'sha384', least: 48 },
  { algorithm: 'HS512', hash: 'sha512', least: 64 },
] as const

describe.each(hashes)('a secret pinned to $algorithm', ({ algorithm, hash, least }) => {
  const byNode = (secret: Uint8Array, text: string) => createHmac(hash, secret).update(text).digest('base64url')

  it('computes the MAC of any bytes as Node does', () => {
    const secret = fc.uint8Array({ minLength: least, maxLength: 400 })
    const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 8190, maxLength: 8195 }))
    fc.assert(
      fc.property(secret, message, (bytes, content) => {
        const mac = createHmac(hash, bytes).update(content).digest('binary')
        expect(hmacOf(algorithm, hmacSecretOf(algorithm, bytes), content)).toBe(mac)
      }),
    )
  })

  it('signs as Node does, whatever the length of secret and text', () => {
    const ascii = fc.string({ unit: fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)) })
    const long = fc.nat({ max: 5000 }).map((length) => 'eyJhbGciOiJ4In0.'.repeat(320).slice(0, length))
    const secret = fc.uint8Array({ minLength: least, maxLength: 400 })
    fc.assert(
      fc.property(secret, fc.oneof(ascii, long), (bytes, text) => {
        const key = new HmacKey(algorithm, bytes)
        const signature = byNode(bytes, text)
        expect(key.sign(text)).toBe(signature)
        expect(key.verify(text, signature)).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  it('signs as Node does at every edge of blocks and buffers', () => {
    for (const secretBytes of [least, 63, 64, 65, 127, 128, 129, 256, 1000].filter((bytes) => bytes >= least)) {
      const secret = randomBytes(secretBytes)
      const key = new HmacKey(algorithm, secret)
      for (const length of [
        0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 8191, 8192, 8193, 8319, 8320, 8321, 20_000,
      ]) {
        const text = 'x'.repeat(length)
        expect(key.sign(text)).toBe(byNode(secret, text))
      }
    }
  })

  it('signs correctly while other keys sign in between', () => {
    const keys = hashes.map((other) => new HmacKey(other.algorithm, randomBytes(200)))
    const secret = randomBytes(least)
    const key = new HmacKey(algorithm, secret)
    for (let round = 0; round < 50; round += 1) {
      for (const other of keys) other.sign('y'.repeat(round * 7))
      expect(key.sign('z'.repeat(round))).toBe(byNode(secret, 'z'.repeat(round)))
    }
  })

  it('keeps its own copy of the secret', () => {
    const secret = randomBytes(least)
    const key = new HmacKey(algorithm, secret)
    const signature = key.sign('a.b')
    secret.fill(0)
    expect(key.sign('a.b')).toBe(signature)
  })

  it('never shows the secret', () => {
    const secret = randomBytes(least)
    const shown = inspect(new HmacKey(algorithm, secret), { depth: null, showHidden: true })
    expect(shown).not.toContain(secret.toString('hex').slice(0, 8))
    expect(shown).not.toContain('Uint8Array')
    expect(JSON.stringify(new HmacKey(algorithm, secret))).toBe(JSON.stringify({ algorithm }))
  })

  it('refuses a secret shorter than its hash', () => {
    expect(() => new HmacKey(algorithm, new Uint8Array(least - 1))).toThrow(TypeError)
    expect(() => new HmacKey(algorithm, new Uint8Array())).toThrow(TypeError)
  })

  it('refuses every other signature, and every other encoding of the same bytes', () => {
    const key = new HmacKey(algorithm, randomBytes(least))
    const signature = key.sign('a.b')
    for (let at = 0; at < signature.length; at += 1) {
      for (const other of 'AQgw_-') {
        const changed = signature.slice(0, at) + other + signature.slice(at + 1)
        expect(key.verify('a.b', changed)).toBe(changed === signature)
      }
    }
    // The last character has unused bits: a lenient decoder decodes all of these texts to the same
    // bytes.
    const sameBytes = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
      .map((last) => signature.slice(0, -1) + last)
      .filter((text) => Buffer.from(text, 'base64url').equals(Buffer.from(signature, 'base64url')))
    expect(sameBytes.filter((text) => key.verify('a.b', text))).toEqual([signature])
    for (const text of ['', `${signature}=`, ` ${signature}`, signature.slice(1), `${signature}A`, 'é', '\ud800']) {
      expect(key.verify('a.b', text)).toBe(false)
    }
    const beyondLatin1 = [...signature].map((one) => String.fromCharCode(one.charCodeAt(0) + 0x100)).join('')
    expect(key.verify('a.b', beyondLatin1)).toBe(false)
  })

  it('signs only ASCII text, and verifies no other', () => {
    const secret = randomBytes(least)
    const key = new HmacKey(algorithm, secret)
    for (const text of [
      'é',
      '\u0161',
      '🙂',
      '\ud800',
      `${'x'.repeat(8191)}é`,
      `é${'x'.repeat(8191)}`,
      `${'x'.repeat(9000)}é`,
    ]) {
      expect(() => key.sign(text)).toThrow(TypeError)
      expect(key.verify(text, byNode(secret, text))).toBe(false)
    }
  })
})
