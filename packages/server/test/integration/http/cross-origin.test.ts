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

  it('get an answer to a preflight, which is valid for two hours', async () => {
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

  it('can read every answer, also refusals', async () => {
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

  it('can read how long they have to wait', async () => {
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

  it('can sign in and make changes with cookies on the same site, where the browser sends them', async () => {
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
  ])('are distinguished from %s', async (origin) => {
    const asked = await preflight(origin)
    expect([asked.status, corsHeaders(asked.headers)]).toEqual([405, {}])
    const answer = await running.api.get('/livez', { headers: { origin } })
    expect([answer.status, corsHeaders(answer.headers), answer.headers.get('vary')]).toEqual([200, {}, 'Origin'])
  })

  it('get the usual refusal for an unknown path or a wrong method', async () => {
    const unknown = await running.api.get('/nothing', { headers: { origin: listed } })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'route_unknown'])
    const wrong = await running.api.call('PUT', '/v1/me', { headers: { origin: listed } })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PATCH'])
  })

  it('get their preflights answered by the service behind forward-auth, not by the server', async () => {
    const { status, headers } = await preflight(listed, '/v1/forward-auth')
    expect([status, corsHeaders(headers)]).toEqual([401, {}])
  })

  it('reach a server that sends Strict-Transport-Security', async () => {
    const { headers } = await running.api.get('/livez')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })

  it('reach a server that includes its subdomains in Strict-Transport-Security where LATCHKEY_HSTS says so', async () => {
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

  it('pages of other origins can read nothing', async () => {
    for (const origin of [listed, 'http://issuer.test', 'null']) {
      const answer = await running.api.get('/livez', { headers: { origin } })
      expect([answer.status, corsHeaders(answer.headers)]).toEqual([200, {}])
      const asked = await running.api.call('OPTIONS', '/v1/me', {
        headers: { origin, 'access-control-request-method': 'GET' },
      })
      expect([asked.status, corsHeaders(asked.headers)]).toEqual([405, {}])
    }
  })

  it('Strict-Transport-Security is not sent where the issuer has no https URL', async () => {
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
