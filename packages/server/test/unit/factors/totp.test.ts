import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchingStep } from '../../../src/factors/totp.js'

/** The secret of the test vectors of RFC 6238, appendix B, for SHA-1. */
const secret = Buffer.from('12345678901234567890')

/** The vectors have eight digits; a code of six digits is their end. */
const vectors = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
] as const

describe('a code of an authenticator app', () => {
  it.each(vectors)('is that of RFC 6238 at second %i', (second, code) => {
    expect(matchingStep(secret, code.slice(2), second * 1000)).toBe(Math.floor(second / 30))
  })

  it.each(vectors)('is accepted one step earlier and later than second %i, and no further', (second, code) => {
    const at = (steps: number) => matchingStep(secret, code.slice(2), (second + 30 * steps) * 1000)
    const step = Math.floor(second / 30)
    expect([-2, -1, 0, 1, 2].map(at)).toEqual([undefined, step, step, step, undefined])
  })

  it('may have spaces, and nothing else is a code', () => {
    expect(matchingStep(secret, ' 287 082 ', 59_000)).toBe(1)
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !/^[0-9]{6}$/.test(text.replaceAll(/\s/g, ''))),
        (text) => matchingStep(secret, text, 59_000) === undefined,
      ),
    )
  })
})
