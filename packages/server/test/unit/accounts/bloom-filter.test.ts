import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BloomFilter } from '../../../src/accounts/bloom-filter.js'

describe('a Bloom filter', () => {
  it('contains every member, also after it was written and read', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 50 }), (texts) => {
        const read = BloomFilter.parse(BloomFilter.of(texts, 14).toBytes())
        expect(texts.every((text) => read.has(text))).toBe(true)
      }),
    )
  })

  it('reports about one other text in 2^hashes as a member', () => {
    const members = Array.from({ length: 5000 }, (_, index) => `member ${index}`)
    const filter = BloomFilter.of(members, 7)
    const others = Array.from({ length: 50_000 }, (_, index) => `other ${index}`)
    const mistaken = others.filter((text) => filter.has(text)).length
    // The expected number is 390, and the same texts are affected in every run.
    expect(mistaken).toBeGreaterThan(250)
    expect(mistaken).toBeLessThan(550)
  })

  it('cannot be read from other data', () => {
    const bytes = BloomFilter.of(['one', 'two'], 14).toBytes()
    for (const wrong of [
      Buffer.alloc(0),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.alloc(40),
    ]) {
      expect(() => BloomFilter.parse(wrong)).toThrow(TypeError)
    }
  })
})
