import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Machines } from '../../support/machines.js'
import { type Person, register } from '../../support/people.js'
import { databases, startServer, type TestServer } from '../../support/start-server.js'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'] as const

describe.each(databases)('forward-auth on %s', (database) => {
  let running: TestServer
  let machines: Machines
  let person: Person

  beforeAll(async () => {
    running = await startServer({ database, configuration: { serviceAudiences: ['billing', 'mail'] } })
    machines = await Machines.with(running)
    const { id } = await register(running)
    const body = { roles: ['editor', 'reviewer'], scope: 'articles:read articles:write' }
    await running.api.patch(`/v1/admin/users/${id}`, { token: machines.admin.token, body })
    person = await registerWith(body)
  })
  afterAll(() => running.stop())

  const registerWith = async (body: Record<string, unknown>) => {
    const registered = await register(running)
    await running.api.patch(`/v1/admin/users/${registered.id}`, { token: machines.admin.token, body })
    const refreshed = await running.api.post('/v1/refresh', { body: { refresh_token: registered.refreshToken } })
    return { ...registered, token: refreshed.body.access_token }
  }
  const ask = (query = '', call: Parameters<TestServer['api']['get']>[1] = { token: person.token }) =>
    running.api.get(`/v1/forward-auth${query}`, call)

  it('accepts a request with a valid token, and names its account', async () => {
    const { status, headers } = await ask()
    expect(status).toBe(200)
    expect([...headers].filter(([name]) => name.startsWith('x-auth-'))).toEqual([
      ['x-auth-client', ''],
      ['x-auth-roles', 'editor reviewer'],
      ['x-auth-scope', 'articles:read articles:write'],
      ['x-auth-session', person.sessionId],
      ['x-auth-subject', person.id],
      ['x-auth-token', ''],
    ])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('names a client as a client', async () => {
    const machine = await machines.create({ scope: 'articles:read' })
    const { headers } = await ask('', { token: await machines.tokenOf(machine) })
    expect([headers.get('x-auth-subject'), headers.get('x-auth-client')]).toEqual([machine.id, machine.id])
    expect(headers.get('x-auth-scope')).toBe('articles:read')
  })

  it('refuses with a challenge, and names no account', async () => {
    for (const [code, call] of [
      ['credentials_missing', {}],
      ['token_malformed', { token: 'x' }],
      ['signature_invalid', { token: `${person.token.slice(0, -5)}AAAAA` }],
    ] as const) {
      const { status, body, headers } = await ask('', call)
      expect([status, body.code]).toEqual([401, code])
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect(headers.get('x-auth-subject')).toBeNull()
    }
    const ambiguous = await ask('', { token: person.token, headers: { cookie: `__Host-latchkey=${person.token}` } })
    expect([ambiguous.status, ambiguous.body.code]).toEqual([400, 'credentials_ambiguous'])
  })

  it('refuses from the moment of a revocation', async () => {
    const { token } = await register(running)
    expect((await ask('', { token })).status).toBe(200)
    await running.api.post('/v1/logout', { token })
    expect((await ask('', { token })).body.code).toBe('session_ended')
  })

  it('requires all of the requested scopes', async () => {
    expect((await ask('?scope=articles:read')).status).toBe(200)
    expect((await ask('?scope=articles:write%20articles:read')).status).toBe(200)
    expect((await ask('?scope=')).status).toBe(200)
    const refused = await ask('?scope=articles:read%20articles:delete')
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope'])
    expect(refused.headers.get('www-authenticate')).toContain('scope="articles:read articles:delete"')
    expect(refused.headers.get('x-auth-subject')).toBeNull()
  })

  it.each(['?scope=a%20%20b', '?scope=%22', '?scope=a&scope=b', '?scopes=a', '?audience=billing&audience=mail'])(
    'refuses a malformed requirement: %s',
    async (query) => {
      const { status, body } = await ask(query)
      expect([status, body.code]).toEqual([400, 'validation_failed'])
    },
  )

  it('exchanges the token for one that a service verifies with the published keys', async () => {
    const { headers } = await ask('?audience=mail')
    const jwks = (await running.api.get('/.well-known/jwks.json')).body as unknown as JSONWebKeySet
    const { payload } = await jwtVerify(headers.get('x-auth-token') ?? '', createLocalJWKSet(jwks), {
      issuer: running.configuration.issuer,
      audience: 'mail',
      algorithms: ['ES256'],
      currentDate: new Date(running.clock.now()),
    })
    expect(payload).toMatchObject({ sub: person.id, sid: person.sessionId, scope: 'articles:read articles:write' })
    expect((await ask('?audience=other')).body.code).toBe('audience_refused')
  })

  it('returns the same exchanged token for a minute, another one for every other token, and none after a revocation', async () => {
    const { token } = await register(running)
    const exchanged = async (query = '?audience=mail', of = token) =>
      (await ask(query, { token: of })).headers.get('x-auth-token')
    const first = await exchanged()
    expect(await exchanged()).toBe(first)
    expect(await exchanged('?audience=billing')).not.toBe(first)
    expect(await exchanged('?audience=mail', person.token)).not.toBe(first)
    running.clock.advance(61_000)
    expect(await exchanged()).not.toBe(first)
    await running.api.post('/v1/logout', { token })
    expect(await exchanged()).toBeNull()
  })

  it('reports a token in its last seconds as expired when it would be exchanged', async () => {
    const { token } = await register(running)
    running.clock.advance(901_000)
    expect((await ask('', { token })).status).toBe(200)
    const { status, body } = await ask('?audience=mail', { token })
    expect([status, body.code]).toEqual([401, 'token_expired'])
    machines = await Machines.with(running)
    person = await registerWith({ roles: ['editor', 'reviewer'], scope: 'articles:read articles:write' })
  })

  it.each(methods)('accepts %s, with any path, query and body of the original request', async (method) => {
    const path = `/v1/forward-auth/some/path.php/${'x'.repeat(300)}?scope=none&audience=none&a[]=b`
    const passed = await raw(method, path, { authorization: `Bearer ${person.token}` })
    expect([passed.status, passed.headers['x-auth-subject']]).toEqual([200, person.id])
    expect((await raw(method, path, {})).status).toBe(401)
    const atBase = await raw(method, '/v1/forward-auth', { authorization: `Bearer ${person.token}` })
    expect(atBase.status).toBe(200)
  })

  it('reads the requirements from headers where the path is that of the original request', async () => {
    const path = '/v1/forward-auth/x?scope=none'
    const demand = (headers: Record<string, string>) => running.api.get(path, { token: person.token, headers })
    expect((await demand({ 'x-forward-auth-scope': 'articles:read' })).status).toBe(200)
    expect((await demand({ 'x-forward-auth-scope': 'articles:delete' })).body.code).toBe('insufficient_scope')
    expect((await demand({ 'x-forward-auth-scope': 'a  b' })).body.code).toBe('validation_failed')
    expect((await demand({ 'x-forward-auth-audience': 'mail' })).headers.get('x-auth-token')).toMatch(/^ey/)
    // At the route itself these headers belong to the application.
    expect((await ask('', { token: person.token, headers: { 'x-forward-auth-scope': 'none' } })).status).toBe(200)
  })

  it('accepts a cookie only for safe methods, or from a trusted page', async () => {
    const cookie = `__Host-latchkey=${person.token}`
    const origin = { origin: running.configuration.issuer }
    const states = []
    for (const headers of [
      { 'x-forwarded-method': 'GET' },
      { 'x-forwarded-method': 'POST' },
      {},
      { 'x-forwarded-method': 'POST', 'sec-fetch-site': 'same-origin' },
      { 'x-forwarded-method': 'POST', ...origin },
      { 'x-forwarded-method': 'POST', origin: 'https://evil.example' },
      { 'x-forwarded-method': 'POST', 'sec-fetch-site': 'cross-site', ...origin },
    ]) {
      const { status, body } = await ask('', { headers: { cookie, ...headers } })
      states.push(status === 200 ? 200 : body.code)
    }
    expect(states).toEqual([200, 'csrf_refused', 'csrf_refused', 200, 200, 'csrf_refused', 'csrf_refused'])
    expect((await raw('POST', '/v1/forward-auth/x', { cookie })).status).toBe(403)
    expect((await raw('GET', '/v1/forward-auth/x', { cookie })).status).toBe(200)
  })

  it.each<[string, Record<string, string>]>([
    ['by its Upgrade header', { upgrade: 'websocket' }],
    ['by its Upgrade header in another case', { upgrade: 'WebSocket' }],
    ['by an Upgrade to anything', { upgrade: 'h2c' }],
    ['by its key, where the proxy drops the rest', { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }],
    ['by its version', { 'sec-websocket-version': '13' }],
    ['by its protocols', { 'sec-websocket-protocol': 'graphql-ws' }],
    ['by its mode', { 'sec-fetch-mode': 'websocket' }],
    ['by the mode of a WebTransport session', { 'sec-fetch-mode': 'webtransport' }],
    ['by a mode that is sent twice', { 'sec-fetch-mode': 'cors, websocket' }],
    ['by a key beside another mode', { 'sec-fetch-mode': 'cors', 'sec-websocket-key': 'x' }],
    ['by an Origin, where the proxy drops everything else', {}],
  ])('requires a trusted page for a WebSocket handshake by cookie, recognised %s', async (_, signs) => {
    const cookie = `__Host-latchkey=${person.token}`
    const outcome = async (headers: Record<string, string>) => {
      const { status, code } = await raw('GET', '/v1/forward-auth', { cookie, ...signs, ...headers })
      return status === 200 ? 200 : code
    }
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const asked = { 'x-forwarded-method': method }
      for (const evil of [
        { origin: 'https://evil.example' },
        { origin: 'https://evil.example', 'sec-fetch-site': 'same-site' },
        { origin: 'null' },
        { origin: running.configuration.issuer, 'sec-fetch-site': 'cross-site' },
      ]) {
        expect(await outcome({ ...asked, ...evil })).toBe('csrf_refused')
      }
      expect(await outcome({ ...asked, origin: running.configuration.issuer })).toBe(200)
      expect(await outcome({ ...asked, origin: 'https://app.example', 'sec-fetch-site': 'same-origin' })).toBe(200)
    }
    const byHeader = { authorization: `Bearer ${person.token}`, ...signs, origin: 'https://evil.example' }
    const { status } = await raw('GET', '/v1/forward-auth', byHeader)
    expect(status, 'a token in the header is put there by its holder').toBe(200)
  })

  it('refuses a handshake by cookie without an origin, and methods in another case', async () => {
    const cookie = `__Host-latchkey=${person.token}`
    for (const headers of [
      { 'x-forwarded-method': 'GET', upgrade: 'websocket' },
      { 'x-forwarded-method': 'GET', upgrade: 'websocket', connection: 'Upgrade' },
      { 'x-forwarded-method': 'CONNECT' },
      { 'x-forwarded-method': 'get' },
      { 'x-forwarded-method': '' },
      { 'x-forwarded-method': 'GET, POST' },
      { upgrade: 'websocket' },
    ]) {
      expect((await raw('GET', '/v1/forward-auth', { cookie, ...headers })).code).toBe('csrf_refused')
    }
    const envoy = await raw('GET', '/v1/forward-auth/x', { cookie, 'sec-websocket-key': 'x' })
    expect(envoy.status).toBe(403)
  })

  it('accepts reads by cookie from pages of other origins where the browser declares that they are no handshake', async () => {
    const headers = {
      cookie: `__Host-latchkey=${person.token}`,
      origin: 'https://app.example',
      'x-forwarded-method': 'GET',
    }
    for (const mode of ['cors', 'no-cors', 'navigate', 'same-origin']) {
      const { status } = await raw('GET', '/v1/forward-auth', { ...headers, 'sec-fetch-mode': mode })
      expect([mode, status]).toEqual([mode, 200])
    }
  })

  describe('leads a browser that is not signed in to the sign-in page', () => {
    const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    const page = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'issuer.test', 'x-forwarded-uri': '/a?b=1&c=2' }
    const asked = { ...navigation, ...page, 'x-forwarded-method': 'GET' }
    const signIn = 'http://issuer.test/sign-in?return_to=http%3A%2F%2Fissuer.test%2Fa%3Fb%3D1%26c%3D2'
    const led = async (path: string, headers: Record<string, string>, method = 'GET') => {
      const answer = await raw(method, path, headers)
      return [answer.status, answer.headers.location]
    }

    it('only if the proxy asks for it', async () => {
      expect(await led('/v1/forward-auth', asked)).toEqual([401, undefined])
      expect(await led('/v1/forward-auth', { ...asked, 'x-forward-auth-sign-in': 'redirect' })).toEqual([
        401,
        undefined,
      ])
      expect(await led('/v1/forward-auth?sign_in=redirect', asked)).toEqual([302, signIn])
      expect(await led('/v1/forward-auth?sign_in=location', asked)).toEqual([401, signIn])
    })

    it('where the proxy appends the path, and names the host as Host', async () => {
      const headers = { ...navigation, 'x-forwarded-proto': 'http', host: 'issuer.test' }
      const demand = { ...headers, 'x-forward-auth-sign-in': 'redirect' }
      expect(await led('/v1/forward-auth/a?b=1&c=2', demand)).toEqual([302, signIn])
      expect(await led('/v1/forward-auth/a?sign_in=redirect', headers)).toEqual([401, undefined])
      expect(await led('/v1/forward-auth/a', { ...demand, 'x-forwarded-host': 'evil.example' })).toEqual([
        302,
        'http://issuer.test/sign-in?return_to=http%3A%2F%2Fissuer.test%2Fa',
      ])
      expect(await led('/v1/forward-auth/a', { ...demand, host: 'evil.example' })).toEqual([401, undefined])
      expect(await led('/v1/forward-auth/a', demand, 'POST')).toEqual([401, undefined])
    })

    it('also with a session that has ended, or that is to be renewed', async () => {
      const ended = await register(running)
      await running.api.post('/v1/logout', { token: ended.token })
      for (const token of [ended.token, 'x', '']) {
        const headers = { ...asked, cookie: `__Host-latchkey=${token}` }
        expect(await led('/v1/forward-auth?sign_in=redirect', headers)).toEqual([302, signIn])
      }
    })

    it('and no other client: not programs, scripts, frames, forms and bearers of a token', async () => {
      for (const other of [
        { accept: 'application/json' },
        { 'sec-fetch-mode': 'cors' },
        { 'sec-fetch-dest': 'iframe' },
        { 'x-forwarded-method': 'POST' },
        { authorization: 'Bearer x' },
        { upgrade: 'websocket' },
      ] as Record<string, string>[]) {
        expect(await led('/v1/forward-auth?sign_in=redirect', { ...asked, ...other })).toEqual([401, undefined])
      }
    })

    it('and not where a sign-in would not help: a missing scope, two tokens', async () => {
      const cookie = `__Host-latchkey=${person.token}`
      const lacking = await led('/v1/forward-auth?sign_in=redirect&scope=none', { ...asked, cookie })
      expect(lacking).toEqual([403, undefined])
      const twice = await led('/v1/forward-auth?sign_in=redirect', { ...asked, cookie: `${cookie}; ${cookie}` })
      expect(twice).toEqual([400, undefined])
    })

    it.each<[string, Record<string, string>]>([
      ['another host', { 'x-forwarded-host': 'evil.example' }],
      ['a host that was appended', { 'x-forwarded-host': 'issuer.test, evil.example' }],
      ['a user name', { 'x-forwarded-host': 'issuer.test@evil.example' }],
      ['another scheme', { 'x-forwarded-proto': 'https' }],
      ['another port', { 'x-forwarded-host': 'issuer.test:8080' }],
    ])('and to no page of %s', async (_, headers) => {
      expect(await led('/v1/forward-auth?sign_in=redirect', { ...asked, ...headers })).toEqual([401, undefined])
    })

    it('and to the ports of the host that are listed', async () => {
      const listed = { returnOrigins: ['http://issuer.test:8080', 'http://app.test'] }
      const other = await running.startAnother({ configuration: listed })
      try {
        const ledTo = async (host: string) => {
          const headers = { ...asked, 'x-forwarded-host': host }
          const path = `${other.url}/v1/forward-auth?sign_in=redirect`
          return (await raw('GET', path, headers)).headers.location
        }
        expect(await ledTo('issuer.test:8080')).toContain('return_to=http%3A%2F%2Fissuer.test%3A8080%2Fa')
        expect(await ledTo('app.test'), 'which gets no cookie of this host').toBeUndefined()
      } finally {
        await other.stop()
      }
    })

    it('and is refused if it asks for anything else', async () => {
      expect((await ask('?sign_in=always')).body.code).toBe('validation_failed')
      const headers = { 'x-forward-auth-sign-in': 'always' }
      const { body } = await running.api.get('/v1/forward-auth/x', { token: person.token, headers })
      expect(body.code).toBe('validation_failed')
    })

    it('and is counted as the refusal that it is', async () => {
      const count = async () => {
        const { values } = await running.server.service.metrics.forwardAuth.get()
        return values.find(({ labels }) => labels.outcome === 'credentials_missing')?.value ?? 0
      }
      const before = await count()
      await led('/v1/forward-auth?sign_in=redirect', asked)
      expect((await count()) - before).toBe(1)
    })
  })

  it('returns the cookies that the application may get: none of the server', async () => {
    const own = `__Host-latchkey=${person.token}`
    const passed = async (cookie: string) => {
      const headers = { cookie, 'x-forwarded-method': 'GET', 'sec-forward-auth': 'proxy' }
      return (await ask('', { headers })).headers.get('cookie')
    }
    expect(await passed(own)).toBe('')
    expect(
      await passed(
        `a=1; ${own}; __Host-latchkey-device=x; b="2 3";__Secure-latchkey-refresh=y; __Host-latchkey-device=z`,
      ),
    ).toBe('a=1; b="2 3"')
    expect(await passed(`__Host-latchkey2=a; ${own}; x=__Host-latchkey=b`)).toBe(
      '__Host-latchkey2=a; x=__Host-latchkey=b',
    )
    expect(await passed(`a=\u00e9; ${own}`)).toBe('a=\u00e9')
    const byHeader = await ask('', { token: person.token, headers: { 'sec-forward-auth': 'proxy' } })
    expect(byHeader.headers.get('cookie')).toBe('')
  })

  it('exposes cookies to no script, and in no refusal', async () => {
    const cookie = `a=1; __Host-latchkey=${person.token}`
    for (const mark of [{}, { 'sec-forward-auth': '1' }, { 'x-forward-auth': 'proxy' }] as Record<string, string>[]) {
      const { status, headers } = await ask('', { headers: { cookie, 'x-forwarded-method': 'GET', ...mark } })
      expect([status, headers.get('cookie')]).toEqual([200, ''])
    }
    const refused = await ask('', { headers: { cookie, 'x-forwarded-method': 'POST', 'sec-forward-auth': 'proxy' } })
    expect([refused.status, refused.headers.get('cookie')]).toEqual([403, null])
  })

  it('is counted by outcome', async () => {
    const count = async (outcome: string) => {
      const { values } = await running.server.service.metrics.forwardAuth.get()
      return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0
    }
    const outcomes = ['allowed', 'credentials_missing', 'insufficient_scope']
    const before = await Promise.all(outcomes.map(count))
    await ask()
    await ask('', {})
    await ask('?scope=none')
    const after = await Promise.all(outcomes.map(count))
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([1, 1, 1])
  })

  it('answers 503 when a token cannot be checked, and has no rate limit', async () => {
    const limited = await running.api.get('/v1/me', { token: person.token })
    expect([limited.headers.has('ratelimit'), (await ask()).headers.has('ratelimit')]).toEqual([true, false])
    const lost = await startServer({ database })
    const { token } = await register(lost)
    await lost.loseDatabase()
    await expect.poll(async () => (await lost.api.get('/v1/forward-auth', { token })).status).toBe(503)
    await lost.stop().catch(() => {})
  })

  /**
   * Sends requests that `fetch` cannot send: any method and header, with a body of an unknown type.
   */
  function raw(method: string, path: string, headers: Record<string, string>) {
    return new Promise<{ status: number; headers: Record<string, unknown>; code: string }>((resolve, reject) => {
      const hasBody = method !== 'GET' && method !== 'HEAD'
      const sent = { ...headers, ...(hasBody ? { 'content-type': 'text/x-nonsense', 'content-length': '3' } : {}) }
      const url = new URL(path, running.url)
      const outgoing = request(url, { method, headers: sent }, async (response) => {
        const { code = '' } = JSON.parse((await text(response)) || '{}')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, code })
      })
      outgoing.on('error', reject)
      outgoing.end(hasBody ? 'a=b' : undefined)
    })
  }
})
