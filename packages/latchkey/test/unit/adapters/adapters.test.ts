import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  requireAuth as expressAuth,
  requireClaim as expressClaim,
  requireRole as expressRole,
  requireScope as expressScope,
} from '../../../src/adapters/express/index.js'
import {
  requireAuth as fastifyAuth,
  requireClaim as fastifyClaim,
  requireRole as fastifyRole,
  requireScope as fastifyScope,
} from '../../../src/adapters/fastify/index.js'
import {
  requireClaim as claimCheck,
  requireRole as roleCheck,
  requireScope as scopeCheck,
} from '../../../src/adapters/fetch/index.js'
import {
  requireClaim as hapiClaim,
  requireRole as hapiRole,
  requireScope as hapiScope,
} from '../../../src/adapters/hapi/index.js'
import {
  type AuthVariables,
  requireAuth as honoAuth,
  requireClaim as honoClaim,
  requireRole as honoRole,
  requireScope as honoScope,
} from '../../../src/adapters/hono/index.js'
import {
  requireClaim as koaClaim,
  requireRole as koaRole,
  requireScope as koaScope,
} from '../../../src/adapters/koa/index.js'
import { setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'
import type { Application } from './applications/application.js'
import { startWeb } from './applications/hono.js'
import { applications } from './applications/index.js'
import { call } from './call.js'
import { cases, type Tokens } from './requests.js'
import { createTokens } from './table-tokens.js'

const challenges: Record<string, RegExp> = {
  400: /^Bearer error="invalid_request", error_description="[^"\\]+"$/,
  401: /^Bearer( error="invalid_token", error_description="[^"\\]+")?$/,
  403: /^Bearer error="insufficient_scope", error_description="[^"\\]+", scope="articles:write articles:read"$/,
}

/** The refusals that no other token and no other credentials would change. */
const unchallenged = ['insufficient_role', 'insufficient_claim', 'csrf_refused']

describe.each(applications)('a route behind the guard of %s', (_, start, { readsForms }) => {
  const steered = steer()
  const setup = setUp({ store: steered.store })
  let application: Application
  let tokens: Tokens

  beforeAll(async () => {
    application = await start(setup.latchkey)
    tokens = await createTokens(setup)
  })

  afterAll(() => application.close())

  it.each(cases)('responds correctly to $name', async ({ request, expected, withoutForms = expected }) => {
    const { status, challenge, text } = await call(application.port, request(tokens))
    const body = JSON.parse(text)
    const right = readsForms ? expected : withoutForms
    if (right === 200 || right === 'guest') {
      const subject = right === 'guest' ? null : expect.stringMatching(/^(alice|erin)$/)
      expect({ status, body }).toEqual({ status: 200, body: { subject } })
      return
    }
    const [expectedStatus, code] = right
    expect({ status, code: body.code }).toEqual({ status: expectedStatus, code })
    if (unchallenged.includes(code)) expect(challenge).toBeUndefined()
    else expect(challenge).toMatch(challenges[expectedStatus] ?? /^$/)
    if (code === 'credentials_missing') expect(challenge).toBe('Bearer')
    expect(text).not.toMatch(/ at |\.js|stack/)
  })

  it('refuses every request if a right is checked before the authentication', async () => {
    const headers = ['Authorization', `Bearer ${tokens.writer}`]
    for (const path of ['/unguarded', '/unguarded-role', '/unguarded-claim'])
      expect((await call(application.port, { path, headers })).status).toBe(500)
  })

  it('responds with 503, Retry-After and no challenge when the token cannot be verified', async () => {
    steered.setReachable(false)
    setup.clock.advance(60_000)
    try {
      for (const path of ['/header', '/optional']) {
        const headers = ['Authorization', `Bearer ${tokens.good}`]
        const { status, challenge, retryAfter, text } = await call(application.port, { path, headers })
        expect({ status, challenge, retryAfter, code: JSON.parse(text).code }).toEqual({
          status: 503,
          challenge: undefined,
          retryAfter: '1',
          code: 'store_unavailable',
        })
      }
    } finally {
      steered.setReachable(true)
    }
  })

  it('leaves an error of the handler to the framework, and goes on', async () => {
    const headers = ['Authorization', `Bearer ${tokens.good}`]
    expect((await call(application.port, { path: '/throws', headers })).status).toBe(500)
    expect((await call(application.port, { path: '/throws' })).status).toBe(401)
    expect((await call(application.port, { headers })).status).toBe(200)
  })

  it('goes on when a client leaves while its token is verified', async () => {
    setup.clock.advance(60_000)
    steered.holdReads()
    const headers = ['Authorization', `Bearer ${tokens.good}`]
    const leaving = new AbortController()
    const left = call(application.port, { headers }, leaving.signal)
    const connections = () =>
      new Promise<number>((resolve) => application.server.getConnections((_error, count) => resolve(count)))
    try {
      await expect.poll(() => steered.held.length).toBeGreaterThan(0)
      leaving.abort()
      await expect(left).rejects.toThrow()
      await expect.poll(connections).toBe(0)
    } finally {
      steered.release()
    }
    expect((await call(application.port, { headers })).status).toBe(200)
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
    server = await startWeb(app.fetch)
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
    for (const make of [expressScope, fastifyScope, hapiScope, honoScope, koaScope, scopeCheck])
      expect(() => make(...scopes)).toThrow(TypeError)
  })
})

describe('requireRole', () => {
  it.each([[], [''], ['a', '']])('throws for %j', (...roles) => {
    for (const make of [expressRole, fastifyRole, hapiRole, honoRole, koaRole, roleCheck])
      expect(() => make(...roles)).toThrow(TypeError)
  })
})

describe('requireClaim', () => {
  it.each([[''], [undefined], [42], ['plan', undefined]])('throws for %j', (...claim) => {
    for (const make of [expressClaim, fastifyClaim, hapiClaim, honoClaim, koaClaim, claimCheck])
      expect(() => make(...(claim as [string]))).toThrow(TypeError)
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
