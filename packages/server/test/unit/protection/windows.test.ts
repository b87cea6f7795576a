import { describe, expect, it } from 'vitest'
import { Windows } from '../../../src/protection/windows.js'

describe('windows in memory', () => {
  it('count from the first request until they end', () => {
    const windows = new Windows(10)
    expect(windows.count('a', 1000, 0).used).toBe(1)
    expect(windows.count('a', 1000, 999).used).toBe(2)
    expect(windows.count('a', 1000, 1000)).toEqual({ used: 1, endsAtMs: 2000 })
  })

  it('are at most as many as the capacity: the one that began first is forgotten', () => {
    const windows = new Windows(2)
    windows.count('first', 1000, 0)
    windows.count('second', 1000, 1)
    windows.count('first', 1000, 2)
    windows.count('third', 1000, 3)
    expect(windows.get('first', 4)).toBeUndefined()
    expect(windows.get('second', 4)?.used).toBe(1)
    expect(windows.get('third', 4)?.used).toBe(1)
  })
})
