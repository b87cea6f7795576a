import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { identityHeaderNames } from '../../packages/server/src/routes/identity-headers.js'
import { createAdmin, type Person, register } from '../../packages/server/test/support/people.js'
import { startServer, type TestServer } from '../../packages/server/test/support/start-server.js'
import { freePort } from '../support/free-port.js'
import { type Echo, type EchoServer, startEchoServer } from './support/echo-server.js'
import { type NginxProcess, startNginx } from './support/start-nginx.js'

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/forward-auth/${name}`, import.meta.url)), 'utf8')

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly echo: Echo | undefined
}

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
    const configuration = read('nginx.conf')
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

  /** `headers` in turn, name and value, as they are sent: names may come twice. */
  const ask = (path: string, headers: readonly string[] = bearer(), method = 'GET', body?: string) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = [
        ...headers,
        'Host',
        'app.example.com',
        ...(body === undefined ? [] : ['Content-Length', `${body.length}`]),
      ]
      const outgoing = request({ port, host: '127.0.0.1', path, method, headers: sent }, async (response) => {
        const answered = await text(response)
        const isEcho = answered.startsWith('{')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          echo: isEcho ? (JSON.parse(answered) as Echo) : undefined,
        })
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  const bearer = (token = person.token) => ['Authorization', `Bearer ${token}`]

  it('passes on whose request it is, with its method, path and body', async () => {
    const { status, echo } = await ask('/any/path?scope=none&a=b', bearer(), 'POST', 'x=y')
    expect(status).toBe(200)
    expect(echo).toMatchObject({ method: 'POST', url: '/any/path?scope=none&a=b', body: 'x=y' })
    expect(echo?.headers).toMatchObject({ 'x-auth-subject': person.id, 'x-auth-session': person.sessionId })
    expect(echo?.headers, 'the token stays here').not.toHaveProperty('authorization')
  })

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('asks for every method: %s', async (method) => {
    const before = application.requests
    expect((await ask('/x', [], method)).status).toBe(401)
    expect(application.requests).toBe(before)
    expect((await ask('/x', bearer(), method)).status).toBe(200)
    expect(application.requests).toBe(before + 1)
  })

  it('lets nobody smuggle an identity in, however it is spelt, and however often it is sent', async () => {
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

  it('lets nobody change what is asked for, and does not show the questions themselves to anybody', async () => {
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

  it('answers 400, not 500, to credentials that cannot be read', async () => {
    expect((await ask('/x', ['Authorization', 'Bearer a b'])).status).toBe(400)
    expect((await ask('/x', ['Cookie', `__Host-latchkey=${person.token}`, ...bearer()])).status).toBe(400)
  })

  it('gives the application a token for itself, which the published keys verify', async () => {
    const { echo } = await ask('/billing/1')
    const keys = createRemoteJWKSet(new URL(`${latchkey.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(String(echo?.headers['x-auth-token']), keys, {
      issuer: latchkey.configuration.issuer,
      audience: 'billing',
      algorithms: ['ES256'],
    })
    expect(payload.sub).toBe(person.id)
  })

  it('takes the cookie of a page, and refuses what another site has the browser change', async () => {
    const cookie = ['Cookie', `__Host-latchkey=${person.token}`]
    const ownPage = ['Origin', latchkey.configuration.issuer]
    expect((await ask('/x', cookie)).status).toBe(200)
    expect((await ask('/x', cookie, 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, 'X-Forwarded-Method', 'GET'], 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, 'Origin', 'https://evil.example'], 'POST')).status).toBe(403)
    expect((await ask('/x', [...cookie, ...ownPage], 'POST')).status).toBe(200)
  })

  it('leaves the errors of the application alone', async () => {
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

  it('answers 503 with Retry-After when Latchkey cannot say, or is away, and lets nobody in', async () => {
    await latchkey.loseDatabase()
    await expect.poll(async () => (await ask('/x')).status, { timeout: 10_000 }).toBe(503)
    const before = application.requests
    expect((await ask('/x')).headers['retry-after']).toBe('1')
    await latchkey.stop().catch(() => {})
    expect((await ask('/x')).status).toBe(503)
    expect(application.requests).toBe(before)
  })
})

describe('the identity headers', () => {
  const named = (names: readonly string[]) => names.map((name) => name.toLowerCase()).toSorted()
  const all = named(identityHeaderNames)

  it('are all set by nginx.conf', () => {
    const set = [...read('nginx.conf').matchAll(/proxy_set_header (X-Auth-\S+) \$(\w+);/g)]
    expect(named(set.map(([, name = '']) => name))).toEqual(all)
    for (const [, name = '', variable = ''] of set) {
      const source = `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`
      expect(read('nginx.conf')).toContain(`auth_request_set $${variable} ${source};`)
    }
  })

  it('are all replaced by traefik.yaml, in every middleware', () => {
    const { http } = parse(read('traefik.yaml'), { merge: true }) as {
      http: {
        routers: Record<string, { middlewares: string[]; service: string }>
        middlewares: Record<string, { forwardAuth: { address: string; authResponseHeaders: string[] } }>
        services: Record<string, unknown>
      }
    }
    for (const { forwardAuth } of Object.values(http.middlewares)) {
      expect(named(forwardAuth.authResponseHeaders)).toEqual(all)
      expect(new URL(forwardAuth.address).pathname).toBe('/v1/forward-auth')
    }
    for (const { middlewares, service } of Object.values(http.routers)) {
      expect(middlewares.filter((name) => http.middlewares[name] === undefined)).toEqual([])
      expect(http.services).toHaveProperty(service)
      expect(middlewares).toHaveLength(1)
    }
  })

  it('are all replaced by envoy.yaml, which fails closed', () => {
    const found = findFilter(parse(read('envoy.yaml')), 'envoy.filters.http.ext_authz')
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
    expect(named(patterns.map(({ exact }) => exact))).toEqual(all)
    expect([failure_mode_allow, status_on_error.code]).toEqual([false, 'ServiceUnavailable'])
    expect(http_service.path_prefix).toBe('/v1/forward-auth')
    expect(http_service.authorization_request.headers_to_add.map(({ key }) => key)).toEqual([
      'x-forward-auth-scope',
      'x-forward-auth-audience',
    ])
  })
})

/** The configuration of the filter with this name, wherever it is. */
function findFilter(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if ('name' in value && value.name === name && 'typed_config' in value) return value.typed_config
  return Object.values(value)
    .map((member) => findFilter(member, name))
    .find((found) => found !== undefined)
}
