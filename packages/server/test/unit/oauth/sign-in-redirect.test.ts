import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNavigation } from '../../../src/routes/oauth/is-navigation.js'
import { SignInRedirect } from '../../../src/routes/oauth/sign-in-redirect.js'

const issuer = 'https://app.example.com/auth'
const listed = ['https://app.example.com:8443', 'https://other.example.com', 'http://app.example.com']
const redirect = new SignInRedirect(issuer, listed)
const allowed = ['https://app.example.com', 'https://app.example.com:8443']

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' }

describe('the redirect to the sign-in page', () => {
  it('leads back to the page, with all of its query', () => {
    const location = redirect.locationFor({ scheme: 'https', host: 'app.example.com', uri: '/a%20b?x=1&y=%26#' })
    expect(location).toBe(`${issuer}/sign-in?return_to=https%3A%2F%2Fapp.example.com%2F`)
    const plain = redirect.locationFor({ scheme: 'https', host: 'app.example.com', uri: '/a%20b?x=1&y=%26' })
    const { searchParams } = new URL(plain ?? '')
    expect([...searchParams]).toEqual([['return_to', 'https://app.example.com/a%20b?x=1&y=%26']])
  })

  it.each([
    ['the port of a listed origin', 'https', 'app.example.com:8443'],
    ['the default port', 'https', 'app.example.com:443'],
    ['another case', 'https', 'APP.example.com'],
  ])('leads back to the host of the server, with %s', (_, scheme, host) => {
    expect(redirect.locationFor({ scheme, host, uri: '/' })).toBeDefined()
  })

  it.each([
    ['another host', 'https', 'evil.example'],
    ['a port that is not listed', 'https', 'app.example.com:8444'],
    ['a host below', 'https', 'evil.app.example.com'],
    ['a host with the same beginning', 'https', 'app.example.com.evil.example'],
    ['a user name', 'https', 'app.example.com@evil.example'],
    ['a user name of the right host', 'https', 'evil@app.example.com'],
    ['a path', 'https', 'app.example.com/.evil.example'],
    ['two hosts', 'https', 'app.example.com, evil.example'],
    ['a dot at the end', 'https', 'app.example.com.'],
    ['an empty host', 'https', ''],
    ['no host', 'https', undefined],
    ['no scheme', undefined, 'app.example.com'],
    ['two schemes', 'https, http', 'app.example.com'],
    ['a scheme that is none of a page', 'javascript', 'app.example.com'],
    ['a listed origin that the session cookie does not reach', 'https', 'other.example.com'],
    ['a listed origin without TLS, which the cookie does not reach', 'http', 'app.example.com'],
  ])('does not lead to %s', (_, scheme, host) => {
    expect(redirect.locationFor({ scheme, host, uri: '/' })).toBeUndefined()
  })

  it('leads to an allowed origin only, whatever a client names', () => {
    const piece = fc.constantFrom(
      ...[
        'app.example.com',
        'evil.example',
        '.',
        '@',
        ':',
        '/',
        '//',
        '\\',
        '#',
        '?',
        '&',
        ';',
        ',',
        ' ',
        '\t',
        '%2f',
        '%5c',
      ],
      ...[
        '%00',
        '..',
        '/.//',
        '443',
        '8443',
        '[::1]',
        'javascript:',
        'https://',
        'return_to=',
        'é',
        '\u3002',
        '\u2100',
      ],
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc.string(),
      fc.string({ unit: 'binary' }),
    )
    const host = fc.oneof(text, fc.constantFrom('app.example.com', 'app.example.com:8443'))
    const scheme = fc.oneof(text, fc.constantFrom('https', 'http', 'HTTPS'))
    const uri = fc.oneof(
      text,
      text.map((rest) => `/${rest}`),
    )
    fc.assert(
      fc.property(scheme, host, uri, (...[givenScheme, givenHost, givenUri]) => {
        const location = redirect.locationFor({ scheme: givenScheme, host: givenHost, uri: givenUri })
        if (location === undefined) return
        expect(location).toMatch(/^https:\/\/app\.example\.com\/auth\/sign-in\?return_to=[A-Za-z0-9%!'()*._~-]+$/)
        const target = new URL(location).searchParams.get('return_to') ?? ''
        expect(allowed).toContain(new URL(target).origin)
        expect(target).toMatch(/^https:\/\/app\.example\.com(:8443)?\/[\x21-\x5b\x5d-\x7e]*$/)
      }),
      { numRuns: 5000 },
    )
  })

  it('leads to the front page from a path that is too long to return to', () => {
    const location = redirect.locationFor({ scheme: 'https', host: 'app.example.com', uri: `/${'x'.repeat(3000)}` })
    expect(new URL(location ?? '').searchParams.get('return_to')).toBe('https://app.example.com/')
  })

  it('does not lead from the sign-in page to itself', () => {
    const page = { scheme: 'https', host: 'app.example.com' }
    expect(redirect.locationFor({ ...page, uri: '/auth/sign-in?return_to=%2F' })).toBeUndefined()
    expect(redirect.locationFor({ ...page, uri: '/auth/./x/../sign-in' })).toBeUndefined()
  })
})

describe('a browser that opens a page', () => {
  it.each([
    ['without Fetch Metadata, over http', { accept: browser.accept }],
    ['with Fetch Metadata', { ...browser, 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' }],
    ['with cookies', { ...browser, cookie: 'a=1' }],
  ])('is recognised %s', (_, headers) => {
    expect(['GET', 'HEAD'].map((method) => isNavigation({ method, headers }))).toEqual([true, true])
  })

  it.each<[string, Record<string, string>]>([
    ['a program', {}],
    ['a program that accepts anything', { accept: '*/*' }],
    ['a program that accepts JSON', { accept: 'application/json, text/plain, */*' }],
    ['a program that refuses HTML', { accept: 'text/html;q=0, */*' }],
    ['a program with a token', { ...browser, authorization: 'Bearer x' }],
    ['a script', { ...browser, 'sec-fetch-mode': 'cors' }],
    ['an image', { ...browser, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a frame, in which the sign-in page is not shown', { ...browser, 'sec-fetch-dest': 'iframe' }],
    ['a WebSocket', { ...browser, 'sec-fetch-mode': 'websocket' }],
    ['a WebSocket by its upgrade', { ...browser, upgrade: 'websocket' }],
  ])('is not %s', (_, headers) => {
    expect(isNavigation({ method: 'GET', headers })).toBe(false)
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'get', '', undefined])('does not send a form: %s', (method) => {
    expect(isNavigation({ method, headers: browser })).toBe(false)
  })
})
