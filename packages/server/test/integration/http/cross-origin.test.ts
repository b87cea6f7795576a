import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser } from '../../support/browser.js'
import { freshEmail, password, register } from '../../support/people.js'
import { startServer, type TestServer } from '../../support/start-server.js'

const listed = 'https://app.example.com'

describe('pages of a listed origin', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({
      database: 'sqlite',
      configuration: { corsOrigins: [listed, 'http://localhost:5173'], issuer: 'https://auth.example.com' },
    })
  })
  afterAll(() => running.stop())

  const preflight = (origin: string, path = '/v1/me') =>
    running.api.call('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'content-type,latchkey-mode',
      },
    })

  it('may ask what they may do, and need not ask again for two hours', async () => {
    for (const path of ['/v1/me', '/v1/login', '/v1/admin/users/x', '/nothing']) {
      const { status, headers } = await preflight(listed, path)
      expect([path, status]).toEqual([path, 204])
      expect(corsHeaders(headers)).toEqual({
        'access-control-allow-origin': listed,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, Latchkey-Mode, Latchkey-Device, traceparent, tracestate, baggage, sentry-trace',
        'access-control-expose-headers': 'RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id',
        'access-control-max-age': '7200',
      })
      expect(headers.get('vary')).toBe('Origin')
    }
  })

  it('read every answer, also one that refuses', async () => {
    const { token } = await register(running)
    for (const [path, call] of [
      ['/v1/me', { token }],
      ['/v1/me', {}],
      ['/nothing', {}],
    ] as const) {
      const { headers } = await running.api.get(path, { ...call, headers: { origin: listed } })
      expect([path, headers.get('access-control-allow-origin')]).toEqual([path, listed])
      expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
      expect(headers.get('vary')).toBe('Origin')
    }
  })

  it('read that they are to wait', async () => {
    const limits = { ...running.configuration.limits, login: { address: { requests: 1, windowSec: 60 } } }
    const strict = await running.startAnother({ configuration: { limits } })
    const login = () =>
      strict.api.post('/v1/login', { body: { email: freshEmail(), password }, headers: { origin: listed } })
    await login()
    const { status, headers } = await login()
    expect([status, headers.get('access-control-allow-origin')]).toEqual([429, listed])
    expect((await strict.api.call('OPTIONS', '/v1/login', { headers: { origin: listed } })).status).toBe(204)
    await strict.stop()
  })

  it('sign in with cookies and change things by them, where the browser sends them: on the same site', async () => {
    const browser = new Browser(running.api, listed)
    const headers = { 'sec-fetch-site': 'same-site' }
    const body = { email: freshEmail(), password }
    expect((await browser.call('POST', '/v1/register', { body, headers })).status).toBe(201)
    expect((await browser.call('PATCH', '/v1/me', { body: { name: 'Ada' }, headers })).status).toBe(200)
    const crossSite = { 'sec-fetch-site': 'cross-site' }
    const refused = await browser.call('PATCH', '/v1/me', { body: { name: 'Eve' }, headers: crossSite })
    expect(refused.body.code).toBe('csrf_refused')
  })

  it.each([
    'null',
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com:443',
    'https://app.example.com:8443',
    'https://APP.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com/',
    'https://app.example.com, https://evil.example',
    'https://evil.example https://app.example.com',
    'http://localhost:51730',
    '*',
    '',
    'x'.repeat(8000),
  ])('are told apart from %s', async (origin) => {
    const asked = await preflight(origin)
    expect([asked.status, corsHeaders(asked.headers)]).toEqual([405, {}])
    const answer = await running.api.get('/livez', { headers: { origin } })
    expect([answer.status, corsHeaders(answer.headers), answer.headers.get('vary')]).toEqual([200, {}, 'Origin'])
  })

  it('are told of an unknown path, and of a wrong method, as everybody is', async () => {
    const unknown = await running.api.get('/nothing', { headers: { origin: listed } })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'route_unknown'])
    const wrong = await running.api.call('PUT', '/v1/me', { headers: { origin: listed } })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PATCH'])
  })

  it('are not answered in the place of a service behind forward-auth: its preflights are its own', async () => {
    const { status, headers } = await preflight(listed, '/v1/forward-auth')
    expect([status, corsHeaders(headers)]).toEqual([401, {}])
  })

  it('use a server that browsers are to reach by https alone', async () => {
    const { headers } = await running.api.get('/livez')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })

  it('use a server that keeps every host below it to https, where LATCHKEY_HSTS says so', async () => {
    const strict = await running.startAnother({ configuration: { hsts: 'subdomains' } })
    try {
      for (const path of ['/livez', '/docs', '/nowhere']) {
        const { headers } = await fetch(strict.url + path)
        expect(headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
      }
    } finally {
      await strict.stop()
    }
  })
})

describe('without LATCHKEY_CORS_ORIGINS', () => {
  let running: TestServer

  beforeAll(async () => {
    running = await startServer({ database: 'sqlite' })
  })
  afterAll(() => running.stop())

  it('no page elsewhere reads anything', async () => {
    for (const origin of [listed, 'http://issuer.test', 'null']) {
      const answer = await running.api.get('/livez', { headers: { origin } })
      expect([answer.status, corsHeaders(answer.headers)]).toEqual([200, {}])
      const asked = await running.api.call('OPTIONS', '/v1/me', {
        headers: { origin, 'access-control-request-method': 'GET' },
      })
      expect([asked.status, corsHeaders(asked.headers)]).toEqual([405, {}])
    }
  })

  it('nothing is said of https where the issuer is not reached by it', async () => {
    const strict = await running.startAnother({ configuration: { hsts: 'subdomains' } })
    for (const { api } of [running, strict]) {
      expect((await api.get('/livez')).headers.get('strict-transport-security')).toBeNull()
    }
    await strict.stop()
  })
})

function corsHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))
}
