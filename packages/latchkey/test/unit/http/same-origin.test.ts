import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type RequestOrigin, sameOrigin } from '../../../src/http/same-origin.js'

const change: RequestOrigin = {
  method: 'POST',
  isUpgrade: false,
  host: 'app.example.com',
  origin: undefined,
  fetchSite: undefined,
}

describe('sameOrigin', () => {
  const mayUse = sameOrigin({ trusted: ['https://other.example.com', 'capacitor://localhost', 'http://[::1]:3000'] })

  it('never lets a page of another site change something, whatever its headers are', () => {
    const evil = fc.constantFrom('https://evil.example', 'null', 'https://app.example.com.evil.example', '', 'https://')
    const sites = fc.constantFrom('same-site', 'cross-site', 'none', undefined, '', 'SAME-ORIGIN', 'same-origin, none')
    const hosts = fc.constantFrom('app.example.com', undefined, '', 'evil')
    const methods = fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'CONNECT', 'get', '')
    fc.assert(
      fc.property(evil, sites, hosts, methods, fc.boolean(), (origin, fetchSite, host, method, isUpgrade) => {
        expect(mayUse({ method, isUpgrade, host, origin, fetchSite })).toBe(false)
      }),
    )
  })

  it('lets requests read, and not open a WebSocket', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect(mayUse({ ...change, method, fetchSite: 'cross-site' })).toBe(true)
      expect(mayUse({ ...change, method, fetchSite: 'cross-site', isUpgrade: true })).toBe(false)
      expect(mayUse({ ...change, method, isUpgrade: true })).toBe(false)
    }
  })

  it('compares host and port of the origin with the Host header, which may be in upper case', () => {
    const asks = (origin: string, host: string) => mayUse({ ...change, origin, host })
    expect(asks('https://app.example.com', 'APP.example.com')).toBe(true)
    expect(asks('https://app.example.com:8443', 'app.example.com:8443')).toBe(true)
    expect(asks('http://[::1]:4000', '[::1]:4000')).toBe(true)
    expect(asks('https://app.example.com', 'app.example.com:8443')).toBe(false)
    expect(asks('https://app.example.com:8443', 'app.example.com')).toBe(false)
    expect(asks('chrome-extension://abc', 'abc')).toBe(false)
    expect(asks('null', 'null')).toBe(false)
  })

  it('trusts exactly the listed origins', () => {
    for (const origin of ['https://other.example.com', 'capacitor://localhost', 'http://[::1]:3000']) {
      for (const fetchSite of ['cross-site', 'same-site', undefined, 'none'])
        expect(mayUse({ ...change, origin, fetchSite })).toBe(true)
      expect(mayUse({ ...change, method: 'GET', isUpgrade: true, origin, fetchSite: 'cross-site' })).toBe(true)
    }
    for (const origin of ['http://other.example.com', 'https://other.example.com:8443', 'https://OTHER.example.com'])
      expect(mayUse({ ...change, origin, fetchSite: 'cross-site' })).toBe(false)
  })

  it.each<unknown>([
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com:443',
    'https://APP.example.com',
    'app.example.com',
    '*',
    'null',
    '',
    'https://',
    'https://*.example.com',
    'https://user@app.example.com',
    undefined,
    42,
  ])('refuses %j as a trusted origin, which no browser sends', (origin) => {
    expect(() => sameOrigin({ trusted: [origin as string] })).toThrow(TypeError)
  })

  it('refuses one origin instead of a list', () => {
    expect(() => sameOrigin({ trusted: 'https://app.example.com' as never })).toThrow(TypeError)
  })
})
