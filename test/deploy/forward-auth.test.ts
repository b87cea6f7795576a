import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { identityHeaderNames } from '../../packages/server/src/routes/oauth/identity-headers.js'
import { createAdmin, type Person, register } from '../../packages/server/test/support/people.js'
import { startServer, type TestServer } from '../../packages/server/test/support/start-server.js'
import { freePort } from '../support/free-port.js'
import { type Echo, type EchoServer, startEchoServer } from './support/echo-server.js'
import { findFilter } from './support/find-filter.js'
import { proxies, type RunningProxy, readProxyFile, runEnvoy, runNginx, runTraefik } from './support/run-proxies.js'
import { type NginxProcess, startNginx } from './support/start-nginx.js'

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly echo: Echo | undefined
}

interface Sent {
  readonly path: string
  /** Names and values in turn, as they are sent. A name may occur twice. */
  readonly headers: readonly string[]
  readonly method?: string
  readonly body?: string | undefined
  readonly host?: string
}

function askProxy(port: number, { path, headers, method = 'GET', body, host = '' }: Sent): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const sent = [
      ...headers,
      'Host',
      host === '' ? 'app.example.com' : host,
      ...(body === undefined ? [] : ['Content-Length', `${body.length}`]),
    ]
    const outgoing = request({ port, host: '127.0.0.1', path, method, headers: sent }, async (response) => {
      const answered = await text(response)
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        echo: answered.startsWith('{"method"') ? (JSON.parse(answered) as Echo) : undefined,
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

describe.each([
  ['nginx.conf, in a real nginx', runNginx, 'drops'],
  ['traefik.yaml, in an emulation of Traefik', runTraefik, 'drops'],
  ['envoy.yaml, in an emulation of Envoy', runEnvoy, 'refuses'],
] as const)('an application behind deploy/forward-auth/%s', (_, run, underscores) => {
  let latchkey: TestServer
  let application: EchoServer
  let proxy: RunningProxy
  let person: Person
  let own: string
  let device: string

  beforeAll(async () => {
    application = await startEchoServer()
    latchkey = await startServer({ database: 'sqlite' })
    proxy = await run({ latchkey: new URL(latchkey.url).host, application: application.host })
    person = await register(latchkey)
    own = `__Host-latchkey=${person.token}`
    device = `__Host-latchkey-device=${'d'.repeat(43)}`
  })
  afterAll(async () => {
    await proxy?.stop()
    application?.close()
    await latchkey?.stop()
  })

  const ask = (headers: readonly string[], method = 'GET', path = '/x') =>
    askProxy(proxy.port, { path, headers, method })
  const bearer = () => ['Authorization', `Bearer ${person.token}`]

  it('gets its own cookies, and no credentials for other services', async () => {
    const refresh = `__Secure-latchkey-refresh=${person.refreshToken}`
    const theirs = 'a=1; b="2 3"'
    for (const headers of [
      ['Cookie', `a=1; ${own}; ${device}; b="2 3"`],
      ['Cookie', `${own};a=1;${device};b="2 3";${device}`],
      ['Cookie', `a=1;\t${own}\t; \t${device}; ${refresh}; b="2 3"`],
      ['Cookie', own, 'Cookie', 'a=1', 'cookie', 'b="2 3"', 'COOKIE', device],
      [...bearer(), 'Cookie', `a=1; ${device}; ${refresh}; b="2 3"`],
    ]) {
      const { status, echo } = await ask([...headers, 'Latchkey-Device', 'd'.repeat(43), 'latchkey-device', 'd'])
      expect([status, echo?.headers.cookie]).toEqual([200, theirs])
      expect(echo?.headers).not.toHaveProperty('authorization')
      expect(echo?.headers).not.toHaveProperty('latchkey-device')
      expect(echo?.headers['x-auth-subject']).toBe(person.id)
      const seen = JSON.stringify(echo)
      for (const secret of [person.token, person.refreshToken, 'd'.repeat(43)]) expect(seen).not.toContain(secret)
    }
  })

  it('gets cookies of other names unchanged, also of names similar to those of Latchkey', async () => {
    const like = '__host-latchkey=1; __Host-latchkey2=2; x=__Host-latchkey; \u00a0__Host-latchkey=3'
    const { status, echo } = await ask(['Cookie', `${like}; ${own}`])
    expect([status, echo?.headers.cookie]).toEqual([200, like])
  })

  it('gets no cookie header where there are only cookies of Latchkey', async () => {
    for (const cookie of [own, `${own}; ${device}`, `${device}; ${own};`]) {
      const { status, echo } = await ask(['Cookie', cookie])
      expect([status, echo?.headers.cookie ?? '']).toEqual([200, ''])
    }
  })

  it('gets many cookies, unchanged', async () => {
    const many = Array.from({ length: 5 }, (__, at) => `c${at}=${'v'.repeat(1000)}`).join('; ')
    const { status, echo } = await ask(['Cookie', `${many}; ${own}`])
    expect([status, echo?.headers.cookie]).toEqual([200, many])
  })

  it('gets only the identity of the token, however another one is sent', async () => {
    const evil = identityHeaderNames.flatMap((name) => [
      name,
      'evil',
      name.toLowerCase(),
      'evil',
      name.toUpperCase(),
      'evil',
    ])
    for (const connection of ['keep-alive', ...identityHeaderNames, 'Cookie', 'Authorization', 'Sec-Forward-Auth']) {
      const headers = ['Connection', `${connection}, close`, ...evil, 'Cookie', `a=1; ${own}`]
      const { status, echo } = await ask(headers)
      expect(JSON.stringify(echo ?? '')).not.toMatch(new RegExp(`evil|${person.token}`))
      if (status !== 401) expect([status, echo?.headers['x-auth-subject']]).toEqual([200, person.id])
    }
    for (const name of identityHeaderNames) {
      for (const spelt of [
        name.replaceAll('-', '_'),
        name.replace('-', '_'),
        name.toLowerCase().replaceAll('-', '_'),
      ]) {
        const { status, echo } = await ask([spelt, 'evil', ...bearer()])
        expect(status).toBe(underscores === 'refuses' ? 400 : 200)
        expect(JSON.stringify(echo ?? '')).not.toContain('evil')
      }
    }
  })

  it('gets a WebSocket by cookie from a trusted page, and from no other page', async () => {
    const handshake = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13']
    const key = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']
    const evil = ['Origin', 'https://evil.example.com', 'Sec-Fetch-Site', 'same-site']
    const before = application.requests
    for (const headers of [
      [...handshake, ...key, ...evil, 'Sec-Fetch-Mode', 'websocket'],
      [...handshake, ...key, ...evil, 'Sec-Fetch-Mode', 'cors'],
      [...handshake, ...key, 'Origin', 'https://evil.example.com'],
      [...handshake, ...key],
      // An extended CONNECT of HTTP/2 arrives like this where a proxy has turned it into a GET.
      [...handshake.slice(0, 4), ...evil],
      [...key, ...evil, 'Sec-Fetch-Mode', 'cors', 'Connection', 'Sec-Fetch-Mode'],
    ]) {
      expect((await ask(['Cookie', own, ...headers])).status).toBe(403)
    }
    expect(application.requests).toBe(before)
    const trusted = ['Origin', latchkey.configuration.issuer]
    expect((await ask(['Cookie', own, ...handshake, ...key, ...trusted])).status).toBe(200)
    expect((await ask([...bearer(), ...handshake, ...key, ...evil])).status).toBe(200)
  })
})

describe('deploy/forward-auth/nginx.conf, in a real nginx', () => {
  let latchkey: TestServer
  let application: EchoServer
  let nginx: NginxProcess
  let port: number
  let person: Person

  beforeAll(async () => {
    application = await startEchoServer()
    latchkey = await startServer({ database: 'sqlite', configuration: { serviceAudiences: ['billing'] } })
    port = await freePort()
    const configuration = readProxyFile('nginx.conf')
      .replace('latchkey:3000', new URL(latchkey.url).host)
      .replace('application:8000', application.host)
      .replace('listen 8080', `listen 127.0.0.1:${port}`)
    nginx = await startNginx(configuration, `http://127.0.0.1:${port}`)
    person = await register(latchkey)
  })
  afterAll(async () => {
    await nginx?.stop()
    application?.close()
    await latchkey?.stop()
  })

  const ask = (path: string, headers: readonly string[] = bearer(), method = 'GET', body?: string) =>
    askProxy(port, { path, headers, method, body })
  const bearer = (token = person.token) => ['Authorization', `Bearer ${token}`]

  it('passes on the identity, with the method, path and body of the request', async () => {
    const { status, echo } = await ask('/any/path?scope=none&a=b', bearer(), 'POST', 'x=y')
    expect(status).toBe(200)
    expect(echo).toMatchObject({ method: 'POST', url: '/any/path?scope=none&a=b', body: 'x=y' })
    expect(echo?.headers).toMatchObject({ 'x-auth-subject': person.id, 'x-auth-session': person.sessionId })
    expect(echo?.headers, 'the token stays here').not.toHaveProperty('authorization')
  })

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('checks every method: %s', async (method) => {
    const before = application.requests
    expect((await ask('/x', [], method)).status).toBe(401)
    expect(application.requests).toBe(before)
    expect((await ask('/x', bearer(), method)).status).toBe(200)
    expect(application.requests).toBe(before + 1)
  })

  it('drops an identity from the client, whatever its spelling and number of headers', async () => {
    const spellings = identityHeaderNames.flatMap((name) => [
      name,
      name.toLowerCase(),
      name.toUpperCase(),
      name.replaceAll('-', '_'),
      name.replace('-', '_'),
    ])
    const smuggled = spellings.flatMap((name) => [name, 'evil'])
    const { status, echo } = await ask('/x', [...smuggled, ...bearer(), ...smuggled])
    expect(status).toBe(200)
    expect(JSON.stringify(echo)).not.toContain('evil')
    expect(echo?.headers['x-auth-subject']).toBe(person.id)
    for (const name of ['x-auth-client', 'x-auth-scope', 'x-auth-roles', 'x-auth-token']) {
      expect(echo?.headers).not.toHaveProperty(name)
    }
  })

  it('ignores requirements from the client, and does not publish the check itself', async () => {
    const demands = ['X-Forward-Auth-Scope', '', 'X-Forwarded-Uri', '/', 'X-Original-URI', '/']
    expect((await ask('/reports/', [...bearer(), ...demands])).status).toBe(403)
    expect((await ask('/reports/?scope=')).status).toBe(403)
    expect((await ask('/_latchkey')).status).toBe(404)
    expect((await ask('/_latchkey/reports')).status).toBe(404)
  })

  it('answers 401 with the challenge of Latchkey', async () => {
    const { status, headers } = await ask('/x', bearer('x'))
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('error="invalid_token"')])
  })

  it('answers 403 without the scope, naming it, and 200 with it', async () => {
    const refused = await ask('/reports/1')
    expect(refused.status).toBe(403)
    expect(refused.headers['www-authenticate']).toContain('scope="reports:read"')
    const admin = await createAdmin(latchkey)
    const reader = await register(latchkey)
    await latchkey.api.patch(`/v1/admin/users/${reader.id}`, { token: admin.token, body: { scope: 'reports:read' } })
    const { body } = await latchkey.api.post('/v1/refresh', { body: { refresh_token: reader.refreshToken } })
    const { status, echo } = await ask('/reports/1', bearer(body.access_token))
    expect([status, echo?.headers['x-auth-scope']]).toEqual([200, 'reports:read'])
  })

  it('answers 400, not 500, to malformed credentials', async () => {
    expect((await ask('/x', ['Authorization', 'Bearer a b'])).status).toBe(400)
    expect((await ask('/x', ['Cookie', `__Host-latchkey=${person.token}`, ...bearer()])).status).toBe(400)
  })

  it('sends the application an exchanged token, which the published keys verify', async () => {
    const { echo } = await ask('/billing/1')
    const keys = createRemoteJWKSet(new URL(`${latchkey.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(String(echo?.headers['x-auth-token']), keys, {
      issuer: latchkey.configuration.issuer,
      audience: 'billing',
      algorithms: ['ES256'],
    })
    expect(payload.sub).toBe(person.id)
  })

  it('accepts the cookie of a page, and refuses changes from another site', async () => {
    const cookie = ['Cookie', `__Host-latchkey=${person.token}`]
    const ownPage = ['Origin', latchkey.configuration.issuer]
    expect((await ask('/x', cookie)).status).toBe(200)
    expect((await ask('/x', cookie, 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, 'X-Forwarded-Method', 'GET'], 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, 'Origin', 'https://evil.example'], 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, ...ownPage], 'POST')).status).toBe(200)
  })

  it('passes on an upgrade to a WebSocket, and to nothing else', async () => {
    const upgrade = async (protocol: string) => {
      const { echo } = await ask('/x', [...bearer(), 'Upgrade', protocol, 'Connection', 'Upgrade'])
      return [echo?.headers.upgrade, echo?.headers.connection]
    }
    expect(await upgrade('websocket')).toEqual(['websocket', 'upgrade'])
    expect(await upgrade('WebSocket')).toEqual(['websocket', 'upgrade'])
    for (const other of ['h2c', 'websocket, h2c', 'TLS/1.2'])
      expect(await upgrade(other)).toEqual([undefined, undefined])
  })

  it('passes errors of the application on unchanged', async () => {
    for (const status of [400, 401, 403, 404, 500, 503]) {
      const answer = await ask(`/${status}`)
      expect([answer.status, answer.echo?.url]).toEqual([status, `/${status}`])
    }
  })

  it('refuses from the moment of a revocation', async () => {
    const { token } = await register(latchkey)
    expect((await ask('/x', bearer(token))).status).toBe(200)
    await latchkey.api.post('/v1/logout', { token })
    expect((await ask('/x', bearer(token))).status).toBe(401)
  })

  it('answers 503 with Retry-After when Latchkey cannot check a token or is unavailable, and passes no request on', async () => {
    await latchkey.loseDatabase()
    await expect.poll(async () => (await ask('/x')).status).toBe(503)
    const before = application.requests
    expect((await ask('/x')).headers['retry-after']).toBe('1')
    await latchkey.stop().catch(() => {})
    expect((await ask('/x')).status).toBe(503)
    expect(application.requests).toBe(before)
  })
})

describe.each(proxies)('a browser in front of deploy/forward-auth/%s', (_, run) => {
  const issuer = 'http://app.example.com/auth'
  const signIn = `${issuer}/sign-in?return_to=http%3A%2F%2Fapp.example.com%2Freports%2F1%3Fa%3D1%26b%3D2`
  const navigation = ['Accept', 'text/html,*/*;q=0.8', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document']
  let latchkey: TestServer
  let application: EchoServer
  let proxy: RunningProxy

  beforeAll(async () => {
    application = await startEchoServer()
    latchkey = await startServer({ database: 'sqlite', configuration: { issuer } })
    proxy = await run({ latchkey: new URL(latchkey.url).host, application: application.host })
  })
  afterAll(async () => {
    await proxy?.stop()
    application?.close()
    await latchkey?.stop()
  })

  const led = async (headers: readonly string[], { method = 'GET', path = '/reports/1?a=1&b=2', host = '' } = {}) => {
    const { status, headers: answered } = await askProxy(proxy.port, { path, headers, method, host })
    return [status, answered.location]
  }

  it('is led to the sign-in page, and keeps the page that it asked for', async () => {
    const before = application.requests
    for (const method of ['GET', 'HEAD']) expect(await led(navigation, { method })).toEqual([302, signIn])
    const expired = ['Cookie', '__Host-latchkey=x']
    expect(await led([...navigation, ...expired])).toEqual([302, signIn])
    expect(application.requests).toBe(before)
  })

  it('is led nowhere else by what a client sends', async () => {
    const forged = ['X-Forwarded-Host', 'evil.example', 'X-Forwarded-Uri', '//evil.example', 'X-Original-Url', '/x']
    const demands = ['X-Forward-Auth-Sign-In', 'location', 'X-Forwarded-Method', 'GET', 'X-Forwarded-Proto', 'https']
    expect(await led([...navigation, ...forged, ...demands])).toEqual([302, signIn])
    expect(await led([...navigation, 'Connection', 'X-Forwarded-Host, X-Forwarded-Uri'])).toEqual([302, signIn])
    expect(await led(navigation, { host: 'evil.example' })).toEqual([401, undefined])
    expect(await led(navigation, { host: 'app.example.com@evil.example' })).toEqual([
      expect.toSatisfy((status) => status === 400 || status === 401),
      undefined,
    ])
  })

  it('is distinguished from programs, scripts and forms, which get the status', async () => {
    expect(await led([])).toEqual([401, undefined])
    expect(await led(['Accept', 'application/json'])).toEqual([401, undefined])
    expect(await led([...navigation.slice(0, 2), 'Sec-Fetch-Mode', 'cors'])).toEqual([401, undefined])
    expect(await led(navigation, { method: 'POST' })).toEqual([401, undefined])
    expect(await led([...navigation, 'Authorization', 'Bearer x'])).toEqual([401, undefined])
    const { headers } = await askProxy(proxy.port, { path: '/x', headers: [] })
    expect(headers['www-authenticate']).toMatch(/^Bearer/)
  })

  it('reaches Latchkey below /auth/, without a check, and never its metrics', async () => {
    const before = application.requests
    const person = await register(latchkey)
    const path = '/auth/v1/me'
    for (const headers of [
      ['Authorization', `Bearer ${person.token}`],
      ['Cookie', `__Host-latchkey=${person.token}`],
    ]) {
      expect((await askProxy(proxy.port, { path, headers })).status).toBe(200)
    }
    expect((await askProxy(proxy.port, { path, headers: [] })).status).toBe(401)
    expect((await askProxy(proxy.port, { path: '/auth/metrics', headers: [] })).status).not.toBe(200)
    expect((await askProxy(proxy.port, { path: '/auth/metrics?x', headers: [] })).status).not.toBe(200)
    expect(application.requests).toBe(before)
  })
})

describe('the identity headers', () => {
  const named = (names: readonly string[]) => names.map((name) => name.toLowerCase()).toSorted()
  const all = named(identityHeaderNames)

  it('are all set by nginx.conf', () => {
    const set = [...readProxyFile('nginx.conf').matchAll(/proxy_set_header (X-Auth-\S+) \$(\w+);/g)]
    expect(named(set.map(([, name = '']) => name))).toEqual(all)
    for (const [, name = '', variable = ''] of set) {
      const source = `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`
      expect(readProxyFile('nginx.conf')).toContain(`auth_request_set $${variable} ${source};`)
    }
  })

  it('are all replaced by traefik.yaml, in every middleware', () => {
    const { http } = parse(readProxyFile('traefik.yaml'), { merge: true }) as {
      http: {
        routers: Record<string, { middlewares: string[]; service: string }>
        middlewares: Record<string, { forwardAuth?: { address: string; authResponseHeaders: string[] } }>
        services: Record<string, unknown>
      }
    }
    for (const { forwardAuth } of Object.values(http.middlewares)) {
      if (forwardAuth === undefined) continue
      expect(named(forwardAuth.authResponseHeaders)).toEqual(
        [...all, 'authorization', 'cookie', 'latchkey-device', 'sec-forward-auth'].toSorted(),
      )
      expect(new URL(forwardAuth.address).pathname).toBe('/v1/forward-auth')
    }
    for (const { middlewares, service } of Object.values(http.routers)) {
      expect(middlewares.filter((name) => http.middlewares[name] === undefined)).toEqual([])
      expect(http.services).toHaveProperty(service)
      if (service === 'latchkey') continue
      expect(middlewares[0]).toBe('ask-for-cookies')
      expect(middlewares).toHaveLength(2)
    }
  })

  it('are all replaced by envoy.yaml, which fails closed', () => {
    const found = findFilter(parse(readProxyFile('envoy.yaml')), 'envoy.filters.http.ext_authz')
    const { http_service, failure_mode_allow, status_on_error } = found as {
      failure_mode_allow: boolean
      status_on_error: { code: string }
      http_service: {
        path_prefix: string
        authorization_request: { headers_to_add: { key: string }[] }
        authorization_response: { allowed_upstream_headers: { patterns: { exact: string }[] } }
      }
    }
    const { patterns } = http_service.authorization_response.allowed_upstream_headers
    expect(named(patterns.map(({ exact }) => exact))).toEqual([...all, 'cookie'].toSorted())
    expect([failure_mode_allow, status_on_error.code]).toEqual([false, 'ServiceUnavailable'])
    expect(http_service.path_prefix).toBe('/v1/forward-auth')
    expect(http_service.authorization_request.headers_to_add.map(({ key }) => key)).toEqual([
      'x-forward-auth-scope',
      'x-forward-auth-audience',
      'x-forward-auth-sign-in',
      'sec-forward-auth',
    ])
  })
})
