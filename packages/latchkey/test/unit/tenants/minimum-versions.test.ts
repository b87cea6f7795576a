import { describe, expect, it } from 'vitest'
import type { Instant } from '../../../src/clock.js'
import { MinimumVersions } from '../../../src/tenants/minimum-versions.js'

const at = (ms: number): Instant => ({ wallMs: ms, monotonicMs: ms })

describe('the minimum version of a tenant', () => {
  it('applies until a proof of the feed that began after it', () => {
    const floors = new MinimumVersions()
    floors.proved(at(0), at(1))
    floors.raise('alice', 7)
    floors.end('kid')
    floors.proved(at(90), at(100))
    expect([floors.versionOf('alice'), floors.hasEnded('kid')]).toEqual([7, true])
    floors.proved(at(99), at(150))
    expect([floors.versionOf('alice'), floors.hasEnded('kid')]).toEqual([7, true])
    floors.proved(at(101), at(200))
    expect([floors.versionOf('alice'), floors.hasEnded('kid')]).toEqual([0, false])
  })

  it('keeps the newest version, in whatever order reads end', () => {
    const floors = new MinimumVersions()
    floors.raise('alice', 7)
    floors.proved(at(0), at(1))
    floors.raise('alice', 5)
    expect(floors.versionOf('alice')).toBe(7)
  })

  it('reports an overflow until all of its versions were delivered', () => {
    const floors = new MinimumVersions(4)
    for (const tenant of ['a', 'b']) floors.raise(tenant, 1)
    expect(floors.hasOverflown).toBe(false)
    floors.raise('a', 2)
    expect(floors.hasOverflown).toBe(false)
    floors.end('kid')
    expect(floors.hasOverflown).toBe(true)
    floors.proved(at(0), at(10))
    floors.proved(at(9), at(19))
    expect(floors.hasOverflown).toBe(true)
    floors.proved(at(20), at(21))
    expect(floors.hasOverflown).toBe(false)
  })
})
