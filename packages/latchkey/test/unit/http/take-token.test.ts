import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLatchkeyError, refusal } from '../../../src/errors.js'
import { cookieValues, withoutCookies } from '../../../src/http/cookie-values.js'
import { problemAnswer } from '../../../src/http/problem.js'
import { sameOrigin } from '../../../src/http/same-origin.js'
import { takeToken } from '../../../src/http/take-token.js'

/** A request without credentials. */
const nothing = {
  method: 'GET',
  authorization: undefined,
  repeated: false,
  header: undefined,
  cookie: undefined,
  contentType: undefined,
  body: undefined,
  query: undefined,
  isUpgrade: false,
  host: undefined,
  origin: undefined,
  fetchSite: undefined,
}
const always = () => true
const never = () => false

describe('taking a token from a request', () => {
  it('returns a token or refuses with a code, whatever is sent', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('Bearer abc', 'session=abc', 'Bearer', 'bearer  a.b.c', 'Basic x'),
    )
    const carriers = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT'),
      authorization: fc.option(value, { nil: undefined }),
      repeated: fc.boolean(),
      header: fc.option(value, { nil: undefined }),
      cookie: fc.option(value, { nil: undefined }),
      contentType: fc.constantFrom(
        undefined,
        'application/json',
        'application/x-www-form-urlencoded; charset=utf-8',
        ';',
      ),
      body: fc.oneof(fc.jsonValue(), fc.record({ access_token: fc.jsonValue() }), fc.constant(undefined)),
      query: fc.oneof(fc.jsonValue(), fc.record({ access_token: fc.jsonValue() }), fc.constant(undefined)),
      isUpgrade: fc.boolean(),
      host: fc.constant('app.example.com'),
      origin: fc.constantFrom(undefined, 'https://app.example.com', 'https://evil.example'),
      fetchSite: fc.constantFrom(undefined, 'same-origin', 'cross-site'),
    })
    const sources = fc.record({
      cookie: fc.constant('session'),
      header: fc.constant('x-access-token'),
      body: fc.boolean(),
      query: fc.boolean(),
    })
    fc.assert(
      fc.property(carriers, sources, (carrier, wanted) => {
        try {
          expect(takeToken(carrier, wanted, sameOrigin())).not.toBe('')
        } catch (error) {
          if (!isLatchkeyError(error)) throw error
          expect(error.code).toMatch(/^(credentials_(ambiguous|malformed)|csrf_refused)$/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('retains no larger string with the token, whatever its source', () => {
    const count = 300
    const rest = 100_000
    const carrier = { ...nothing, method: 'POST' }
    const ways: readonly ((text: string, token: string) => string | undefined)[] = [
      (text) => takeToken({ ...carrier, authorization: text.replace(/^.{7}/, 'Bearer ') }, {}, never),
      (text, token) => takeToken({ ...carrier, cookie: `${text}; t=${token}` }, { cookie: 't' }, always),
      (text) => takeToken({ ...carrier, query: { access_token: text.trimStart() } }, { query: true }, never),
    ]
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    for (const take of ways) {
      collect()
      const before = process.memoryUsage().heapUsed
      const kept = Array.from({ length: count }, (_, at) => {
        const token = `a-token-of-some-length.${at}`
        return take(Buffer.from(token.padStart(rest, ' ')).toString('latin1'), token)
      })
      collect()
      expect(process.memoryUsage().heapUsed - before).toBeLessThan((count * rest) / 4)
      expect(kept.at(-1)).toBe(`a-token-of-some-length.${count - 1}`)
    }
  })

  it('reads no form of a GET request or of another media type', () => {
    const carrier = { ...nothing, body: { access_token: 'abc' } }
    const type = 'application/x-www-form-urlencoded'
    const outcome = (method: string, contentType: string) => {
      try {
        return takeToken({ ...carrier, method, contentType }, { body: true }, never)
      } catch (error) {
        return isLatchkeyError(error) ? error.code : error
      }
    }
    expect(outcome('POST', type)).toBe('abc')
    expect(outcome('POST', `${type.toUpperCase()}; charset=UTF-8`)).toBe('abc')
    expect(outcome('GET', type)).toBeUndefined()
    expect(outcome('POST', `\t${type} ;charset=utf-8`)).toBe('abc')
    for (const other of ['text/plain', `\u00a0${type}`, `${type}\ufeff`, `${type}2`, `${type}, text/plain`]) {
      expect(outcome('POST', other), other).toBeUndefined()
    }
  })
})

describe('the check of the site that caused a request', () => {
  const taken = (carrier: Partial<typeof carrierOf>, mayUseCookie: () => boolean) => {
    try {
      return takeToken({ ...carrierOf, ...carrier }, { cookie: 't', query: true }, mayUseCookie)
    } catch (error) {
      return isLatchkeyError(error) ? error.code : error
    }
  }
  const carrierOf: Parameters<typeof takeToken>[0] = nothing

  it('decides only about a token from the cookie', () => {
    expect(taken({ cookie: 't=abc' }, always)).toBe('abc')
    expect(taken({ cookie: 't=abc' }, never)).toBe('csrf_refused')
    expect(taken({ cookie: 't=abc' }, (async () => false) as never)).toBe('csrf_refused')
    expect(taken({ cookie: 't=' }, never)).toBeUndefined()
    expect(taken({ cookie: 'other=abc' }, never)).toBeUndefined()
    expect(taken({ cookie: 't=', authorization: 'Bearer abc' }, never)).toBe('abc')
    expect(taken({ query: { access_token: 'abc' } }, never)).toBe('abc')
  })

  it('comes after the refusal of two tokens', () => {
    expect(taken({ cookie: 't=abc', authorization: 'Bearer abc' }, never)).toBe('credentials_ambiguous')
    expect(taken({ cookie: 't=abc; t=abc' }, never)).toBe('credentials_ambiguous')
  })
})

describe('reading cookies', () => {
  it('finds exactly the cookies that were set', () => {
    const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/)
    const values = fc.stringMatching(/^[A-Za-z0-9._=-]{0,12}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values)), names, (cookies, name) => {
        const header = cookies.map(([key, value]) => `${key}=${value}`).join('; ')
        const expected = cookies.filter(([key, value]) => key === name && value !== '').map(([, value]) => value)
        expect(cookieValues(header, name)).toEqual(expected)
      }),
    )
  })

  it('trims only SP and HTAB around a name, and no other white space', () => {
    const before = { found: [] as number[], mangled: [] as number[] }
    for (let code = 0; code <= 0xffff; code += 1) {
      const text = String.fromCharCode(code)
      if (text === ';' || text === '=') continue
      if (cookieValues(`${text}__Host-a${text}=v`, '__Host-a').length > 0) before.found.push(code)
      const [value] = cookieValues(`__Host-a=${text}v${text}`, '__Host-a')
      if (value === 'v') before.mangled.push(code)
    }
    expect(before).toEqual({ found: [0x09, 0x20], mangled: [0x09, 0x20, 0x22] })
  })

  it('removes the cookies of some names from a header, and leaves the others unchanged', () => {
    const ours = new Set(['__Host-a', '__Host-b'])
    for (const [header, rest] of [
      ['__Host-a=1', undefined],
      ['__Host-a=1; __Host-b=2; __Host-a=3', undefined],
      ['', undefined],
      [' ; ;', undefined],
      ['c=1; __Host-a=2;__Host-b=3;  d="4 5"', 'c=1; d="4 5"'],
      ['c=1;\t__Host-a\t=\t2', 'c=1'],
      ['__Host-a=', undefined],
      ['__host-a=1; __Host-aa=2; c=__Host-a=3; d', '__host-a=1; __Host-aa=2; c=__Host-a=3; d'],
      ['c=1; \u00a0__Host-a=2', 'c=1; \u00a0__Host-a=2'],
    ] as const) {
      expect(withoutCookies(header, ours), header).toBe(rest)
    }
  })

  it('never finds a removed cookie', () => {
    const part = fc.oneof(fc.constantFrom('a', 'b', '=', ';', ' ', '\t', '"', '\u00a0'), fc.string({ maxLength: 2 }))
    const headers = fc.array(part).map((parts) => parts.join(''))
    fc.assert(
      fc.property(headers, (header) => {
        const rest = withoutCookies(header, new Set(['a'])) ?? ''
        expect(cookieValues(rest, 'a')).toEqual([])
        expect(cookieValues(rest, 'b')).toEqual(cookieValues(header, 'b'))
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (header, name) => {
        for (const value of cookieValues(header, name)) expect(header).toContain(value)
      }),
    )
  })
})

describe('the response to an error', () => {
  it('shows nothing of an error that is no LatchkeyError', () => {
    const { status, body, headers } = problemAnswer(new Error('the database password is hunter2'))
    expect({ status, code: body.code }).toEqual({ status: 500, code: 'internal_error' })
    expect(JSON.stringify([body, headers])).not.toContain('hunter2')
  })

  it('carries code, status, hint and challenge of a LatchkeyError', () => {
    const { status, body, headers } = problemAnswer(refusal('token_expired'))
    expect(body).toMatchObject({ status: 401, code: 'token_expired', type: 'urn:latchkey:problem:token_expired' })
    expect(status).toBe(401)
    expect(headers).toMatchObject({ 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' })
    expect(headers['WWW-Authenticate']).toContain('error="invalid_token"')
  })
})
