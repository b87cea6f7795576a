import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { borrowBase64url, decodeBase64url, encodeBase64url } from '../../../src/jws/base64url.js'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * RFC 4648 §5, written for clarity: six bits per character, whole bytes, and only zeros left over.
 */
function plainDecode(text: string): number[] | undefined {
  let bits = ''
  for (const character of text) {
    const value = alphabet.indexOf(character)
    if (value < 0) return undefined
    bits += value.toString(2).padStart(6, '0')
  }
  const whole = bits.length - (bits.length % 8)
  const rest = bits.slice(whole)
  if (rest.length === 6 || rest.includes('1')) return undefined
  return (bits.slice(0, whole).match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
}

const nearlyBase64url = fc.string({
  unit: fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...alphabet) },
    { weight: 1, arbitrary: fc.constantFrom(...'+/=. \n\r\t\0éĀ🙂', '\ud800') },
  ),
  maxLength: 24,
})

describe('base64url', () => {
  it('decodes as RFC 4648 defines, and refuses every other text', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyBase64url, fc.string({ unit: 'binary' })), (text) => {
        const bytes = decodeBase64url(text)
        expect(bytes === undefined ? undefined : [...bytes]).toEqual(plainDecode(text))
        const borrowed = borrowBase64url(text)
        expect(borrowed === undefined ? undefined : [...borrowed]).toEqual(plainDecode(text))
      }),
      { numRuns: 20_000 },
    )
  })

  it('accepts one text for each value of its last character', () => {
    for (const prefix of ['A', '_w', '-_-', 'QUJD']) {
      for (const last of alphabet) {
        const isCanonical = plainDecode(prefix + last) !== undefined
        expect(decodeBase64url(prefix + last) !== undefined).toBe(isCanonical)
        expect(borrowBase64url(prefix + last) !== undefined).toBe(isCanonical)
      }
    }
  })

  it('decodes to the bytes that it encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = encodeBase64url(bytes)
        expect(plainDecode(text)).toEqual([...bytes])
        expect(decodeBase64url(text)?.equals(bytes)).toBe(true)
      }),
    )
  })

  it('encodes only the bytes of a view', () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5])
    expect(encodeBase64url(whole.subarray(1, 4))).toBe('AgME')
  })

  it('decodes without allocation up to the end of the shared buffer, and beyond it', () => {
    for (const length of [0, 1, 6142, 6143, 6144, 6145, 6146, 20_000]) {
      const bytes = Buffer.alloc(length, 7)
      expect(borrowBase64url(bytes.toString('base64url'))?.equals(bytes)).toBe(true)
      expect(borrowBase64url(`${bytes.toString('base64url')}=`)).toBeUndefined()
    }
  })

  it('encodes a text as its UTF-8', () => {
    expect(encodeBase64url('’')).toBe('4oCZ')
  })
})
