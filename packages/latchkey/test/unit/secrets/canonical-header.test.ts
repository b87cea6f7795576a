import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalHeader,
  headerMark,
  isCanonicalHeader,
  kidMark,
  readHeader,
} from '../../../src/secrets/canonical-header.js'

const algorithms = ['HS256', 'HS384', 'HS512'] as const
const kids = fc.uint8Array({ minLength: 24, maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('base64url'))

describe('the header of a tenant’s tokens', () => {
  it('equals the header that JSON and base64url produce', () => {
    fc.assert(
      fc.property(fc.constantFrom(...algorithms), kids, (alg, kid) => {
        const json = JSON.stringify({ alg, typ: 'at+jwt', kid })
        expect(canonicalHeader(alg, kid)).toBe(Buffer.from(json).toString('base64url'))
      }),
    )
  })

  it('is recognised only for its own kid and algorithm', () => {
    fc.assert(
      fc.property(fc.constantFrom(...algorithms), kids, kids, (algorithm, kid, other) => {
        const header = canonicalHeader(algorithm, kid)
        expect(isCanonicalHeader(header, algorithm, kid)).toBe(true)
        expect(isCanonicalHeader(header, algorithm, other)).toBe(kid === other)
        for (const one of algorithms) expect(isCanonicalHeader(header, one, kid)).toBe(one === algorithm)
        expect(readHeader(header)).toEqual({ algorithm, kid })
      }),
    )
  })

  it('is not recognised with one character changed, missing or added', () => {
    const kid = randomBytes(24).toString('base64url')
    const header = canonicalHeader('HS256', kid)
    for (let at = 0; at <= header.length; at += 1) {
      const [before, after] = [header.slice(0, at), header.slice(at + 1)]
      const code = header.charCodeAt(at)
      for (const other of ['', 'A', '_', '=', 'é', String.fromCharCode(code + 0x100), String.fromCharCode(code ^ 1)]) {
        const changed = before + other + after
        expect(isCanonicalHeader(changed, 'HS256', kid)).toBe(changed === header)
      }
      expect(isCanonicalHeader(`${before}A${header.slice(at)}`, 'HS256', kid)).toBe(false)
    }
  })

  it('has one mark for each kid, whatever the algorithm, and rarely that of another kid', () => {
    const marks = new Set<number>()
    for (let count = 0; count < 10_000; count += 1) {
      const kid = randomBytes(24).toString('base64url')
      const [mark, ...others] = algorithms.map((algorithm) => headerMark(canonicalHeader(algorithm, kid)))
      expect(others).toEqual([mark, mark])
      expect(kidMark(kid)).toBe(mark)
      marks.add(Number(mark))
    }
    expect(marks.size).toBeGreaterThan(9_990)
  })
})
