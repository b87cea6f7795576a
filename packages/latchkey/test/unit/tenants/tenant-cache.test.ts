import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { canonicalHeader, headerMark } from '../../../src/secrets/canonical-header.js'
import { TenantCache } from '../../../src/tenants/tenant-cache.js'
import { type CachedTenant, tenantMaker } from '../../../src/tenants/tenant-key.js'

const readAt = { wallMs: 0, monotonicMs: 0 }
const makeTenant = tenantMaker({
  covers: () => true,
  open: () => randomBytes(32),
  openGrants: () => '{}',
  acceptsLegacy: false,
})

function tenantWith(tenant: string, kids: readonly string[], version = 1): CachedTenant {
  const secrets = kids.map((kid, at) => ({
    kid,
    generation: at + 1,
    algorithm: 'HS256' as const,
    createdAt: 0,
    retiresAt: at === 0 ? null : 1,
    reissueRequired: false,
    secret: 'x'.repeat(32),
  }))
  const state = { disabledAt: null, revokedAt: null, forgottenUntil: null, endedSessions: [], grants: null }
  return makeTenant({ tenant, version, ...state, secrets }, readAt)
}

/**
 * Returns two kids whose headers have the same mark. Some tens of thousands of kids contain such a
 * pair.
 */
function twoOfOneMark(): [string, string] {
  const kidByMark = new Map<number, string>()
  for (;;) {
    const kid = randomBytes(24).toString('base64url')
    const mark = headerMark(canonicalHeader('HS256', kid))
    const other = kidByMark.get(mark)
    if (other !== undefined) return [other, kid]
    kidByMark.set(mark, kid)
  }
}

function ownerOf(cache: TenantCache, kid: string): string | undefined {
  const found = cache.findByHeader(canonicalHeader('HS256', kid))
  // A tenant that is found by its header is also found by its kid.
  if (found !== undefined) expect(cache.findByKid(kid)).toBe(found)
  return cache.findByKid(kid)?.tenant
}

describe('cached tenants', () => {
  it('are found by each of their kids until they are evicted', () => {
    const cache = new TenantCache(10)
    const kids = ['a', 'b'].map((one) => one.repeat(32))
    cache.keep(tenantWith('ada', kids))
    expect(kids.map((kid) => ownerOf(cache, kid))).toEqual(['ada', 'ada'])
    cache.drop('ada', 2)
    expect(kids.map((kid) => ownerOf(cache, kid))).toEqual([undefined, undefined])
  })

  it('stay until the end of the turn in which they are evicted, and end with an earlier change', async () => {
    const cache = new TenantCache(1)
    const [ada, bob, eve] = [
      tenantWith('ada', ['a'.repeat(32)]),
      tenantWith('bob', ['b'.repeat(32)]),
      tenantWith('eve', ['e'.repeat(32)]),
    ]
    const isCurrent = () => [ada, bob, eve].map(({ keys }) => keys[0]?.isCurrent(0))
    for (const tenant of [ada, bob, eve]) cache.keep(tenant)
    expect(isCurrent()).toEqual([true, true, true])
    cache.drop('ada', 2)
    expect(isCurrent()).toEqual([false, true, true])
    await nextTurn()
    expect(isCurrent()).toEqual([false, false, true])
    expect(['a', 'b', 'e'].map((one) => ownerOf(cache, one.repeat(32)))).toEqual([undefined, undefined, 'eve'])
  })

  it('are restored when they are read again in that turn, and end with all others when the feed is lost', async () => {
    const cache = new TenantCache(1)
    const [ada, bob] = [tenantWith('ada', ['a'.repeat(32)]), tenantWith('bob', ['b'.repeat(32)])]
    cache.keep(ada)
    cache.keep(bob)
    expect(cache.keep(tenantWith('ada', ['a'.repeat(32)]))).toBe(ada)
    expect(cache.find('ada')).toBe(ada)
    cache.clear()
    expect([ada, bob].map(({ keys }) => keys[0]?.isCurrent(0))).toEqual([false, false])
    await nextTurn()
  })

  it('are never confused when their kids have the same mark', () => {
    const [first, second] = twoOfOneMark()
    const cache = new TenantCache(10)
    cache.keep(tenantWith('ada', [first]))
    expect(ownerOf(cache, second)).toBeUndefined()
    cache.keep(tenantWith('bob', [second]))
    expect([ownerOf(cache, first), ownerOf(cache, second)]).toEqual(['ada', 'bob'])
    cache.drop('ada', 2)
    expect([ownerOf(cache, first), ownerOf(cache, second)]).toEqual([undefined, 'bob'])
    cache.keep(tenantWith('ada', [first], 2))
    expect([ownerOf(cache, first), ownerOf(cache, second)]).toEqual(['ada', 'bob'])
    cache.drop('bob', 2)
    expect([ownerOf(cache, first), ownerOf(cache, second)]).toEqual(['ada', undefined])
    cache.clear()
    expect([ownerOf(cache, first), ownerOf(cache, second)]).toEqual([undefined, undefined])
  })
})
