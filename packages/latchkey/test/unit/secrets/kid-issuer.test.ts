import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KID_LENGTH, KidIssuer } from '../../../src/secrets/kid-issuer.js'

describe('a kid', () => {
  const issuer = new KidIssuer(randomBytes(32))

  it('is recognised by every process that holds the kid key, and by no other', () => {
    const kidKey = randomBytes(32)
    const kid = new KidIssuer(kidKey).mint()
    expect(kid).toHaveLength(KID_LENGTH)
    expect(new KidIssuer(kidKey).recognises(kid)).toBe(true)
    expect(issuer.recognises(kid)).toBe(false)
  })

  it('ends in the first 8 bytes of the MAC over its first 16 bytes', () => {
    const kidKey = randomBytes(32)
    const bytes = Buffer.from(new KidIssuer(kidKey).mint(), 'base64url')
    const mac = createHmac('sha256', kidKey).update(bytes.subarray(0, 16)).digest()
    expect(bytes.subarray(16)).toEqual(mac.subarray(0, 8))
  })

  it('is refused after any change of any character', () => {
    fc.assert(
      fc.property(
        fc.nat(KID_LENGTH - 1),
        fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_='),
        (at, character) => {
          const kid = issuer.mint()
          const changed = kid.slice(0, at) + character + kid.slice(at + 1)
          expect(issuer.recognises(changed)).toBe(changed === kid)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('is refused when it is any other text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(issuer.recognises(text)).toBe(false)
      }),
    )
    fc.assert(
      fc.property(fc.base64String({ minLength: 32, maxLength: 32 }), (text) => {
        expect(issuer.recognises(text)).toBe(false)
      }),
    )
  })
})
