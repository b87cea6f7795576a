import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRefreshToken, RefreshTokens } from '../../../src/sessions/refresh-token.js'

const tokens = new RefreshTokens(randomBytes(32))
const seeds = fc.record({
  sessionId: fc.uuid(),
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
})
const counters = fc.integer({ min: 1, max: 0xffff_ffff })

describe('a refresh token', () => {
  it('names its session and its counter, and is recognised', () => {
    fc.assert(
      fc.property(seeds, counters, (seed, counter) => {
        const parts = parseRefreshToken(tokens.derive(seed, counter))
        expect(parts).toMatchObject({ sessionId: seed.sessionId, counter })
        expect(parts !== undefined && tokens.isGenuine(parts, seed)).toBe(true)
      }),
    )
  })

  it('is the same whenever it is derived', () => {
    const seed = { sessionId: randomUUID(), salt: 'AAAA' }
    expect(tokens.derive(seed, 7)).toBe(tokens.derive(seed, 7))
    expect(tokens.derive(seed, 7)).not.toBe(tokens.derive(seed, 8))
  })

  it('is not recognised with another salt, another key, or for another session', () => {
    fc.assert(
      fc.property(seeds, seeds, counters, (seed, other, counter) => {
        const parts = parseRefreshToken(tokens.derive(seed, counter))
        if (parts === undefined) throw new Error('It was just derived.')
        fc.pre(seed.salt !== other.salt && seed.sessionId !== other.sessionId)
        expect(tokens.isGenuine(parts, { ...seed, salt: other.salt })).toBe(false)
        expect(tokens.isGenuine(parts, { ...seed, sessionId: other.sessionId })).toBe(false)
        expect(new RefreshTokens(randomBytes(32)).isGenuine(parts, seed)).toBe(false)
      }),
    )
  })

  it('has one spelling: every text that is parsed as a token is the derived text', () => {
    const genuine = fc.tuple(seeds, counters).map(([seed, counter]) => tokens.derive(seed, counter))
    const mutated = fc
      .tuple(genuine, fc.nat(70), fc.constantFrom('A', 'B', '=', '+', '/', ' ', '\n', 'é', ''))
      .map(([text, at, insert]) => text.slice(0, at) + insert + text.slice(at + 1))
    fc.assert(
      fc.property(fc.oneof(genuine, mutated, fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const parts = parseRefreshToken(text)
        if (parts === undefined) return
        const body = Buffer.from(text, 'base64url')
        expect(body.toString('base64url')).toBe(text)
        expect(body).toHaveLength(52)
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused as malformed when it is too long, too short or no text at all', () => {
    const genuine = tokens.derive({ sessionId: randomUUID(), salt: 'AAAA' }, 1)
    const others = ['', genuine.slice(1), `${genuine}A`, 'A'.repeat(10_000_000), undefined, null, 7, {}, [genuine]]
    for (const text of others) expect(parseRefreshToken(text as string)).toBeUndefined()
  })

  it('is not derived for a session whose ID it cannot name', () => {
    for (const sessionId of ['', 'phone', randomUUID().toUpperCase(), `${randomUUID()}0`]) {
      expect(() => tokens.derive({ sessionId, salt: 'AAAA' }, 1)).toThrow(TypeError)
    }
  })

  it('is not derived for a number that does not fit', () => {
    for (const counter of [-1, 2 ** 32, Number.NaN]) {
      expect(() => tokens.derive({ sessionId: randomUUID(), salt: 'AAAA' }, counter)).toThrow(RangeError)
    }
  })
})
