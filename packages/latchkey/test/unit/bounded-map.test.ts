import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedMap } from '../../src/bounded-map.js'

interface Entry {
  readonly value: number
  recentlyUsed: boolean
}

describe('a bounded map', () => {
  it('never holds more than its capacity, and loses only entries that it reports as evicted', () => {
    const calls = fc.array(fc.tuple(fc.constantFrom('set', 'use', 'delete', 'clear'), fc.nat(20)), { maxLength: 300 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), calls, (capacity, sequence) => {
        const model = new Map<number, Entry>()
        const map = new BoundedMap<number, Entry>(capacity, (key, entry) => {
          expect(model.get(key)).toBe(entry)
          model.delete(key)
        })
        for (const [call, key] of sequence) {
          if (call === 'set') {
            const entry = { value: key, recentlyUsed: false }
            map.set(key, entry)
            model.set(key, entry)
          } else if (call === 'use') {
            const entry = map.get(key)
            if (entry !== undefined) entry.recentlyUsed = true
          } else if (call === 'delete') {
            expect(map.delete(key)).toBe(model.delete(key))
          } else if (key === 0) {
            map.clear()
            model.clear()
          }
          expect(map.size).toBeLessThanOrEqual(capacity)
          expect(map.size).toBe(model.size)
          for (const [known, entry] of model) expect(map.get(known)).toBe(entry)
        }
      }),
    )
  })

  it('keeps entries that were used since the hand last passed', () => {
    const map = new BoundedMap<string, Entry>(3)
    for (const key of ['a', 'b', 'c']) map.set(key, { value: 0, recentlyUsed: key === 'a' })
    map.set('d', { value: 0, recentlyUsed: false })
    expect(map.get('a')).toBeDefined()
    expect(map.get('b')).toBeUndefined()
  })
})
