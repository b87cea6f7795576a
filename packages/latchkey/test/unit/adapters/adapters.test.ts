import { createServer, type IncomingHttpHeaders, type Server, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  requireAuth as expressAuth,
  requireRole as expressRole,
  requireScope as expressScope,
} from '../../../src/adapters/express/index.js'
import {
  requireAuth as fastifyAuth,
  requireRole as fastifyRole,
  requireScope as fastifyScope,
} from '../../../src/adapters/fastify/index.js'
import {
  authenticate as authenticateFetch,
  problemResponse,
  requireRole as roleCheck,
  requireScope as scopeCheck,
} from '../../../src/adapters/fetch/index.js'
import {
  type AuthVariables,
  requireAuth as honoAuth,
  requireRole as honoRole,
  requireScope as honoScope,
} from '../../../src/adapters/hono/index.js'
import { authenticate as authenticateNode, sendProblem } from '../../../src/adapters/node/index.js'
import type { TokenSources } from '../../../src/http/take-token.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { type Setup, setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'
import { cases, type SentRequest, type Tokens } from './requests.js'

const everywhere: TokenSources = { cookie: 'session', header: 'X-Access-Token', body: true, query: true }
const scopes = ['articles:write', 'articles:read'] as const

const replaceable = ['authorization', 'cookie'] as const

/** Edits the headers of a Node.js request, as middleware before the guard does. */
function replaceHeaders(headers: IncomingHttpHeaders): void {
  for (const name of replaceable) {
    const value = headers[`x-replace-${name}`]
    if (value === '') delete headers[name]
    else if (typeof value === 'string') headers[name] = value
  }
}

/** Does the same for a Web request. Its headers are immutable, so this returns another request. */
function replaceRequest(request: Request): Request {
  if (!replaceable.some((name) => request.headers.has(`x-replace-${name}`))) return request
  const headers = new Headers(request.headers)
  for (const name of replaceable) {
    const value = headers.get(`x-replace-${name}`)
    if (value === '') headers.delete(name)
    else if (value !== null) headers.set(name, value)
  }
  return new Request(request, { headers })
}

/** An application of one framework, with the routes of the table, as a user would write it. */
interface Application {
  readonly port: number
  close(): Promise<void>
}

async function startExpress(latchkey: Latchkey): Promise<Application> {
  const app = express()
  app.use(express.urlencoded(), express.json())
  app.use((req, _res, next) => {
    replaceHeaders(req.headers)
    next()
  })
  app.all('/header', expressAuth(latchkey), (req, res) => void res.json({ subject: req.auth.subject }))
  app.all('/everywhere', expressAuth(latchkey, everywhere), (req, res) => void res.json({ subject: req.auth.subject }))
  app.all(
    '/scoped',
    expressAuth(latchkey),
    expressScope(...scopes),
    (req, res) => void res.json({ subject: req.auth.subject }),
  )
  app.all(
    '/role',
    expressAuth(latchkey),
    expressRole('editor'),
    (req, res) => void res.json({ subject: req.auth.subject }),
  )
  app.all('/unguarded-role', expressRole('editor'), (_req, res) => void res.json({}))
  app.all('/unguarded', expressScope(...scopes), (_req, res) => void res.json({}))
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  const { port } = server.address() as AddressInfo
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) }
}

async function startFastify(latchkey: Latchkey): Promise<Application> {
  const app = fastify()
  app.addHook('onRequest', async ({ headers }) => replaceHeaders(headers))
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  const methods = ['GET', 'POST'] as const
  for (const method of methods) {
    app.route({
      method,
      url: '/header',
      onRequest: fastifyAuth(latchkey),
      handler: async ({ auth }) => ({ subject: auth.subject }),
    })
    app.route({
      method,
      url: '/everywhere',
      preHandler: fastifyAuth(latchkey, everywhere),
      handler: async ({ auth }) => ({ subject: auth.subject }),
    })
    app.route({
      method,
      url: '/scoped',
      onRequest: [fastifyAuth(latchkey), fastifyScope(...scopes)],
      handler: async ({ auth }) => ({ subject: auth.subject }),
    })
    app.route({
      method,
      url: '/role',
      onRequest: [fastifyAuth(latchkey), fastifyRole('editor')],
      handler: async ({ auth }) => ({ subject: auth.subject }),
    })
  }
  app.get('/unguarded-role', { onRequest: fastifyRole('editor') }, async () => ({}))
  app.get('/unguarded', { onRequest: fastifyScope(...scopes) }, async () => ({}))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

async function startHono(latchkey: Latchkey): Promise<Application> {
  const app = new Hono<AuthVariables>()
  app.use(async (c, next) => {
    c.req.raw = replaceRequest(c.req.raw)
    await next()
  })
  app.on(['GET', 'POST'], '/header', honoAuth(latchkey), (c) => c.json({ subject: c.get('auth').subject }))
  app.on(['GET', 'POST'], '/everywhere', honoAuth(latchkey, everywhere), (c) =>
    c.json({ subject: c.get('auth').subject }),
  )
  app.on(['GET', 'POST'], '/scoped', honoAuth(latchkey), honoScope(...scopes), (c) =>
    c.json({ subject: c.get('auth').subject }),
  )
  app.on(['GET', 'POST'], '/role', honoAuth(latchkey), honoRole('editor'), (c) =>
    c.json({ subject: c.get('auth').subject }),
  )
  app.get('/unguarded-role', honoRole('editor'), (c) => c.json({}))
  app.get('/unguarded', honoScope(...scopes), (c) => c.json({}))
  return startHonoOnNode(app.fetch)
}

/** An application without a framework, as other runtimes run it. */
async function startFetch(latchkey: Latchkey): Promise<Application> {
  const checks = { '/scoped': scopeCheck(...scopes), '/role': roleCheck('editor') }
  return startHonoOnNode(async (arrived) => {
    const request = replaceRequest(arrived)
    const { pathname } = new URL(request.url)
    try {
      if (pathname === '/unguarded') checks['/scoped'](undefined as never)
      if (pathname === '/unguarded-role') checks['/role'](undefined as never)
      const auth = await authenticateFetch(latchkey, request, pathname === '/everywhere' ? everywhere : {})
      const { subject } = pathname === '/scoped' || pathname === '/role' ? checks[pathname](auth) : auth
      return Response.json({ subject })
    } catch (error) {
      return problemResponse(error)
    }
  })
}

async function startHonoOnNode(fetch: Parameters<typeof serve>[0]['fetch']): Promise<Application> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => new Promise((closed) => server.close(() => closed())) }),
    )
  })
}

interface Answer {
  readonly status: number
  readonly challenge: string | undefined
  readonly text: string
}

function call(port: number, { method = 'GET', path = '/header', headers = [], body }: SentRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const host = ['Host', '127.0.0.1']
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const sent = send(
      { host: '127.0.0.1', port, method, path, headers: [...host, ...headers, ...length] },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], text }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function createTokens({ latchkey, keys, clock }: Setup): Promise<Tokens> {
  const issue = async (subject: string, sessionId = 'session', claims = {}) =>
    (await latchkey.issue({ subject, sessionId, claims, expiresIn: 900 })).token
  const expired = (await latchkey.issue({ subject: 'alice', expiresIn: 1 })).token
  clock.advance(10_000)
  const good = await issue('alice')
  const revoked = await issue('bob')
  await keys.revoke('bob')
  const endedSession = await issue('carol', 'phone')
  await keys.revokeSession('carol', 'phone')
  const other = await issue('alice', 'another')
  const writer = await issue('erin')
  await keys.setGrants('erin', { roles: ['editor'], scope: 'articles:read articles:write' })
  const [header = '', payload = ''] = good.split('.')
  const forgedHeader = { alg: 'HS256', typ: 'at+jwt', kid: 'A'.repeat(32) }
  return {
    good,
    expired,
    revoked,
    endedSession,
    badSignature: `${header}.${payload}.${other.split('.')[2]}`,
    forgedKid: `${Buffer.from(JSON.stringify(forgedHeader)).toString('base64url')}.${payload}.AAAA`,
    oversized: `${header}.${'A'.repeat(8192)}.AAAA`,
    writer,
    pretender: await issue('alice', 'session', {
      scope: 'articles:read articles:write',
      roles: ['editor'],
      role: 'editor',
    }),
    reader: await issue('erin', 'session', { scope: 'articles:read' }),
    listedScope: await issue('erin', 'session', { scope: scopes }),
  }
}

const challenges: Record<number, RegExp> = {
  400: /^Bearer error="invalid_request", error_description="[^"\\]+"$/,
  401: /^Bearer( error="invalid_token", error_description="[^"\\]+")?$/,
  403: /^Bearer error="insufficient_scope", error_description="[^"\\]+", scope="articles:write articles:read"$/,
}

describe.each([
  ['Express', startExpress],
  ['Fastify', startFastify],
  ['Hono', startHono],
  ['the Web’s own types', startFetch],
])('a route behind requireAuth of %s', (_, start) => {
  const steered = steer()
  const setup = setUp({ store: steered.store })
  let application: Application
  let tokens: Tokens

  beforeAll(async () => {
    application = await start(setup.latchkey)
    tokens = await createTokens(setup)
  })

  afterAll(() => application.close())

  it.each(cases)('responds correctly to $name', async ({ request, expected }) => {
    const { status, challenge, text } = await call(application.port, request(tokens))
    const body = JSON.parse(text)
    if (expected === 200) {
      expect({ status, body }).toEqual({ status: 200, body: { subject: expect.stringMatching(/^(alice|erin)$/) } })
      return
    }
    const [expectedStatus, code] = expected
    expect({ status, code: body.code }).toEqual({ status: expectedStatus, code })
    if (code === 'insufficient_role') expect(challenge).toBeUndefined()
    else expect(challenge).toMatch(challenges[expectedStatus] ?? /^$/)
    if (code === 'credentials_missing') expect(challenge).toBe('Bearer')
    expect(text).not.toMatch(/ at |\.js|stack/)
  })

  it('refuses every request if the scope is checked before the authentication', async () => {
    const headers = ['Authorization', `Bearer ${tokens.writer}`]
    for (const path of ['/unguarded', '/unguarded-role'])
      expect((await call(application.port, { path, headers })).status).toBe(500)
  })

  it('responds with 503 and no challenge when the token cannot be verified', async () => {
    steered.setReachable(false)
    setup.clock.advance(60_000)
    try {
      const { status, challenge, text } = await call(application.port, {
        headers: ['Authorization', `Bearer ${tokens.good}`],
      })
      expect({ status, challenge, code: JSON.parse(text).code }).toEqual({
        status: 503,
        challenge: undefined,
        code: 'store_unavailable',
      })
    } finally {
      steered.setReachable(true)
    }
  })
})

describe('a plain node:http server', () => {
  const { latchkey, keys } = setUp()
  const server = createServer(async (req, res) => {
    replaceHeaders(req.headers)
    try {
      const { subject } = await authenticateNode(latchkey, req, { cookie: 'session' })
      res.end(JSON.stringify({ subject }))
    } catch (error) {
      sendProblem(res, error)
    }
  })
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  const port = () => (server.address() as AddressInfo).port

  it('accepts a token from the header and from a cookie, and refuses every other request', async () => {
    const { token } = await latchkey.issue({ subject: 'alice' })
    for (const headers of [
      ['Authorization', `Bearer ${token}`],
      ['Cookie', `session=${token}`],
    ]) {
      expect(await call(port(), { headers })).toMatchObject({ status: 200, text: '{"subject":"alice"}' })
    }
    expect(await call(port(), {})).toMatchObject({ status: 401, challenge: 'Bearer' })
    const twice = ['Authorization', `Bearer ${token}`, 'Cookie', `session=${token}`]
    expect(await call(port(), { headers: twice })).toMatchObject({ status: 400 })
    const repeated = ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`]
    expect(await call(port(), { headers: repeated })).toMatchObject({ status: 400 })
    const removed = ['Authorization', `Bearer ${token}`, 'X-Replace-Authorization', '']
    expect(await call(port(), { headers: removed })).toMatchObject({ status: 401 })
    await keys.revoke('alice')
    const refused = await call(port(), { headers: ['Authorization', `Bearer ${token}`] })
    expect({ ...refused, text: JSON.parse(refused.text).code }).toMatchObject({ status: 401, text: 'token_revoked' })
  })
})

describe('a Hono application on Node.js that sends requests to itself', () => {
  const { latchkey } = setUp()
  let server: Application
  let alice: string

  beforeAll(async () => {
    alice = (await latchkey.issue({ subject: 'alice' })).token
    const bob = (await latchkey.issue({ subject: 'bob' })).token
    const app = new Hono<AuthVariables>()
    app.get('/me', honoAuth(latchkey), (c) => c.json({ subject: c.get('auth').subject }))
    app.get('/as-bob', honoAuth(latchkey), (c) =>
      app.request('/me', { headers: { authorization: `Bearer ${bob}` } }, c.env),
    )
    app.get('/without-credentials', honoAuth(latchkey), (c) => app.fetch(new Request('http://inner/me'), c.env))
    app.get('/as-before', honoAuth(latchkey), (c) => app.fetch(new Request('http://inner/me', c.req.raw), c.env))
    server = await startHonoOnNode(app.fetch)
  })
  afterAll(() => server.close())

  it.each([
    ['/as-bob', 'bob'],
    ['/without-credentials', 'credentials_missing'],
    ['/as-before', 'alice'],
  ])('reads the credentials of the inner request, not those of the outer one: %s', async (path, expected) => {
    const { text } = await call(server.port, { path, headers: ['Authorization', `Bearer ${alice}`] })
    const { subject, code } = JSON.parse(text)
    expect(subject ?? code).toBe(expected)
  })
})

describe('requireScope', () => {
  it.each([[], [''], ['a b'], ['a"b'], ['a\\b'], ['ä'], ['a', 'b\n']])('throws for %j', (...scopes) => {
    for (const make of [expressScope, fastifyScope, honoScope, scopeCheck])
      expect(() => make(...scopes)).toThrow(TypeError)
  })
})

describe('requireRole', () => {
  it.each([[], [''], ['a', '']])('throws for %j', (...roles) => {
    for (const make of [expressRole, fastifyRole, honoRole, roleCheck]) expect(() => make(...roles)).toThrow(TypeError)
  })
})

describe('the middleware', () => {
  it('calls next synchronously when everything needed is in memory', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'alice' })
    const headers = { authorization: `Bearer ${token}` }
    let passed = 0
    const hook = fastifyAuth(setup.latchkey)
    const request = { method: 'GET', headers, raw: {}, body: undefined, query: {} }
    hook(request as unknown as Parameters<typeof hook>[0], {} as never, () => (passed += 1))
    expect(passed).toBe(1)
    const middleware = expressAuth(setup.latchkey)
    const req = { method: 'GET', headers, body: undefined, query: {} }
    middleware(req as unknown as Parameters<typeof middleware>[0], {} as never, () => (passed += 1))
    expect(passed).toBe(2)
  })
})
