import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { returnTarget } from '../../../src/pages/return-target.js'

const own = 'https://auth.example.com'
const origins = { own, listed: ['https://app.example.com', 'http://localhost:5173'] }
const locationOf = (text: string) => returnTarget(text, origins)?.location

describe('the place that a sign-in returns to', () => {
  it.each([
    ['/', '/'],
    ['/app?a=1&b=%2F%2Fevil#part', '/app?a=1&b=%2F%2Fevil#part'],
    ['/a/../b', '/b'],
    ['https://auth.example.com/app', '/app'],
    ['https://app.example.com/x?y', 'https://app.example.com/x?y'],
    ['HTTPS://APP.example.com:443/x', 'https://app.example.com/x'],
    ['http://localhost:5173', 'http://localhost:5173/'],
  ])('may be %s', (text, location) => {
    expect(locationOf(text)).toBe(location)
  })

  it.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:///evil.example',
    'https://evil.example',
    'https://app.example.com.evil.example',
    'https://app.example.com@evil.example',
    'https://user@app.example.com/',
    'https://user:pass@auth.example.com/',
    'https://app.example.com:8443/',
    'http://app.example.com/',
    'http://auth.example.com/',
    'https://app.example.com\\@evil.example',
    'https://аpp.example.com/',
    'https://app。example.com/',
    'https://app.example.com／evil.example',
    '/é',
    'javascript:alert(1)',
    'data:text/html,x',
    'app',
    '?a',
    '#a',
    '',
    `/${'a'.repeat(2048)}`,
  ])('is never %j', (text) => {
    expect(locationOf(text)).toBeUndefined()
  })

  it('is on this origin or on a listed one, whatever was asked for', () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      '//',
      '.',
      '..',
      '@',
      ':',
      '%2f',
      '%5c',
      '\t',
      '\n',
      'https:',
      'evil.example',
      own,
      'a',
      '?',
      '#',
    )
    const hostile = fc
      .array(fc.oneof(part, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(hostile, (text) => {
        const target = returnTarget(text, origins)
        if (target === undefined) return
        // As a browser resolves it, and as a proxy that joins slashes does not.
        const url = new URL(target.location, own)
        expect([own, ...origins.listed]).toContain(url.origin)
        expect(target.location).toMatch(
          target.origin === undefined ? /^\/(?!\/)[\x21-\x7e]*$/ : /^https?:\/\/[\x21-\x7e]+$/,
        )
        expect(url.origin).toBe(target.origin ?? own)
        // An allowed place is allowed again, and stays the same.
        expect(returnTarget(target.location, origins)).toEqual(target)
      }),
      { numRuns: 5000 },
    )
  })
})
