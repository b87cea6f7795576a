import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Claims } from '../../../src/claims/check-claims.js'
import {
  claimedGrants,
  decodeGrants,
  encodeGrants,
  MAX_GRANTS_BYTES,
  narrowGrants,
} from '../../../src/claims/grants.js'

const claimsOf = (more: Record<string, unknown>): Claims => ({
  iss: 'i',
  sub: 's',
  aud: 'a',
  exp: 2,
  iat: 1,
  jti: 'j',
  ...more,
})

class Impostor {
  readonly roles = ['admin']
}

const circle: Record<string, unknown> = {}
circle.self = circle

describe('grants', () => {
  it.each([
    [{ roles: ['editor'], scope: 'a b' }],
    [{ scope: 'a', plan: 'pro', limits: { seats: 3, names: ['x', null, true] } }],
    [{ roles: ['ä', '\u2028', '"', 'constructor'], hasOwnProperty: 1 }],
    [Object.assign(Object.create(null), { roles: ['editor'] })],
  ])('are returned unchanged: %j', (grants) => {
    expect(decodeGrants(encodeGrants(grants))).toEqual({ roles: [], scope: '', ...grants })
  })

  it.each([[null], [{}], [{ roles: [] }], [{ scope: '' }], [{ roles: [], scope: '' }]])(
    'are empty for %j',
    (grants) => {
      expect(encodeGrants(grants)).toBeUndefined()
      expect(decodeGrants(undefined)).toEqual({ roles: [], scope: '' })
    },
  )

  it.each<[string, unknown]>([
    ['NaN', { limit: Number.NaN }],
    ['Infinity', { limit: Number.POSITIVE_INFINITY }],
    ['a bigint', { limit: 1n }],
    ['undefined', { limit: undefined }],
    ['a function', { limit: () => 1 }],
    ['a symbol', { limit: Symbol('x') }],
    ['a symbol for a name', { [Symbol('x')]: 1 }],
    ['a date', { until: new Date() }],
    ['an object of a class', new Impostor()],
    ['a map', { roles: new Map() }],
    ['a text object', { scope: new String('a') }],
    ['toJSON', { toJSON: () => ({ roles: ['admin'] }) }],
    ['toJSON as text', { nested: { toJSON: 'x' } }],
    ['an inherited toJSON', Object.create({ toJSON: () => ({ roles: ['admin'] }) })],
    ['toJSON of a list', { roles: Object.assign(['a'], { toJSON: () => ['admin'] }) }],
    ['__proto__', JSON.parse('{"__proto__":{"roles":["admin"]}}')],
    ['a deep __proto__', JSON.parse('{"a":[{"__proto__":1}]}')],
    ['a hidden member', Object.defineProperty({}, 'roles', { value: ['admin'] })],
    ['a list with a hole', { roles: Array(1) }],
    ['a list of a class', { roles: new (class extends Array {})() }],
    ['a circle', circle],
    ['a list', ['admin']],
    ['a text', 'admin'],
    ['a number', 1],
    ['undefined itself', undefined],
    ['roles that are a text', { roles: 'admin' }],
    ['a role that is no text', { roles: [1] }],
    ['an empty role', { roles: [''] }],
    ['a role twice', { roles: ['a', 'b', 'a'] }],
    ['a scope that is a list', { scope: ['a'] }],
    ['a scope with two spaces', { scope: 'a  b' }],
    ['a scope with a quote', { scope: 'a"b' }],
    ['a scope with a line break', { scope: 'a\n' }],
    ['a scope twice', { scope: 'a b a' }],
  ])('cannot be %s', (_, grants) => {
    expect(() => encodeGrants(grants as never)).toThrow(TypeError)
  })

  it('have at most 1 KiB of JSON, counted in bytes', () => {
    const of = (text: string) => ({ note: text })
    const room = MAX_GRANTS_BYTES - JSON.stringify(of('')).length
    expect(encodeGrants(of('a'.repeat(room)))).toHaveLength(MAX_GRANTS_BYTES)
    expect(() => encodeGrants(of('a'.repeat(room + 1)))).toThrow(TypeError)
    expect(() => encodeGrants(of('ä'.repeat(room / 2 + 1)))).toThrow(TypeError)
  })

  it('are deeply frozen', () => {
    const grants = decodeGrants(encodeGrants({ roles: ['a'], limits: { names: ['x'] } }))
    for (const part of [grants, grants.roles, grants.limits, (grants.limits as { names: unknown }).names]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    const narrowed = narrowGrants(grants, claimsOf({ scope: 'x' }))
    expect([narrowed, narrowed.roles].every(Object.isFrozen)).toBe(true)
  })
})

describe('a token', () => {
  const token = fc.constantFrom('a', 'b', 'c', 'posts:read', 'posts:write')
  const scope = fc.uniqueArray(token, { maxLength: 5 }).map((tokens) => tokens.join(' '))
  const roles = fc.uniqueArray(fc.constantFrom('admin', 'editor'), { maxLength: 2 })

  it('narrows the scope of its tenant and never widens anything, whatever it claims', () => {
    const claimed = fc.record(
      {
        scope: fc.oneof(scope, fc.array(token), fc.string(), fc.jsonValue()),
        roles: fc.oneof(roles, fc.jsonValue()),
        role: fc.constantFrom('admin', 'user'),
        client: fc.boolean(),
        client_id: fc.string(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(scope, roles, claimed, (grantedScope, grantedRoles, claims) => {
        const granted = decodeGrants(encodeGrants({ roles: grantedRoles, scope: grantedScope, plan: 'pro' }))
        const { scope: left, ...others } = narrowGrants(granted, claimsOf(claims))
        const had = granted.scope.split(' ')
        const asked = typeof claims.scope === 'string' ? claims.scope.split(' ') : []
        const expected = claims.scope === undefined ? had : had.filter((one) => asked.includes(one))
        expect(left).toBe(expected.join(' '))
        expect(others).toEqual({ roles: grantedRoles, plan: 'pro' })
      }),
    )
  })

  it('returns the same object when it claims no scope, or the whole scope', () => {
    const granted = decodeGrants(encodeGrants({ scope: 'a b' }))
    expect(narrowGrants(granted, claimsOf({}))).toBe(granted)
    expect(narrowGrants(granted, claimsOf({ scope: 'a b' }))).toBe(granted)
  })

  it('of a trusted signer grants what its claims say, where they have the right type', () => {
    expect(claimedGrants(claimsOf({ roles: ['a'], scope: 'x y', role: 'admin' }))).toEqual({
      roles: ['a'],
      scope: 'x y',
    })
    expect(claimedGrants(claimsOf({ roles: 'a', scope: ['x'] }))).toEqual({ roles: [], scope: '' })
    expect(claimedGrants(claimsOf({ roles: ['a', 1] }))).toEqual({ roles: [], scope: '' })
  })
})
