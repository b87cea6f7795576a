import type { IncomingMessage, Server } from 'node:http'
import { All, Controller, HttpCode, type INestApplication } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Auth,
  Claims,
  CurrentAuth,
  LatchkeyModule,
  type LatchkeyModuleOptions,
  OptionalAuth,
  Roles,
  Scopes,
  sameOrigin,
} from '../../../src/adapters/nest/index.js'
import type { GuardOptions } from '../../../src/http/guard-options.js'
import { bearer, decorate, platforms, type StartedNest, sendTo, startNest } from '../../support/nest.js'
import { setUp } from '../../support/setup.js'
import { steer } from '../../support/steered-store.js'
import { claim, replaceHeaders, scopes, sources, trusted } from './applications/application.js'
import { call } from './call.js'
import { cases, type Tokens } from './requests.js'
import { createTokens } from './table-tokens.js'

/**
 * The options of the module for some paths of the table, and for the paths below them. They hold
 * for a whole application, so that each entry is another one.
 */
const optionsByPath: Readonly<Record<string, GuardOptions>> = {
  '/everywhere': { ...sources, body: true },
  '/optional': { ...sources, body: true },
  '/optional-role': { optional: true },
  '/trusted': { ...sources, csrf: sameOrigin({ trusted }) },
  '/unchecked': { ...sources, csrf: false },
  '/': {},
}

class TableController {
  required({ subject }: Auth) {
    return { subject }
  }
  optional(auth: Auth | undefined) {
    return { subject: auth?.subject ?? null }
  }
  scoped({ subject }: Auth) {
    return { subject }
  }
  role({ subject }: Auth) {
    return { subject }
  }
  claim({ subject }: Auth) {
    return { subject }
  }
  throws() {
    throw new Error('a mistake of the handler')
  }
}

const parameters = [CurrentAuth()]
decorate(TableController, [Controller()], {
  required: { on: [All(['header', 'everywhere', 'trusted', 'unchecked']), HttpCode(200)], parameters },
  optional: { on: [OptionalAuth(), All('optional'), HttpCode(200)], parameters: [CurrentAuth({ optional: true })] },
  scoped: { on: [Scopes(...scopes), All('scoped'), HttpCode(200)], parameters },
  role: { on: [Roles('editor'), All(['role', 'optional-role']), HttpCode(200)], parameters },
  claim: { on: [Claims(...claim), All('claim'), HttpCode(200)], parameters },
  throws: { on: [All('throws')] },
})

/** Adds middleware that edits the headers of requests before the guard. */
function addEditingMiddleware(app: INestApplication): void {
  app.use(({ headers }: IncomingMessage, _response: unknown, next: () => void) => {
    replaceHeaders(headers)
    next()
  })
}

const challenges: Record<string, RegExp> = {
  400: /^Bearer error="invalid_request", error_description="[^"\\]+"$/,
  401: /^Bearer( error="invalid_token", error_description="[^"\\]+")?$/,
  insufficient_scope:
    /^Bearer error="insufficient_scope", error_description="[^"\\]+", scope="articles:write articles:read"$/,
}

describe.each(platforms)('a Nest application on %s', (_, createAdapter) => {
  const steered = steer()
  const setup = setUp({ store: steered.store })
  const applications = new Map<string, StartedNest>()
  let tokens: Tokens

  beforeAll(async () => {
    for (const [path, options] of Object.entries(optionsByPath)) {
      const module = LatchkeyModule.forRoot({ latchkey: setup.latchkey, ...options })
      const metadata = { imports: [module], controllers: [TableController] }
      applications.set(path, await startNest(metadata, createAdapter(), addEditingMiddleware))
    }
    tokens = await createTokens(setup)
  })

  afterAll(async () => {
    for (const application of applications.values()) await application.close()
  })

  const portFor = (path: string) => (applications.get(path.split('?', 1)[0] ?? '') ?? applications.get('/'))?.port ?? 0

  it.each(cases)('responds correctly to $name', async ({ request, expected }) => {
    const sent = { path: '/header', ...request(tokens) }
    const { status, headers, text, body } = await sendTo(portFor(sent.path), sent)
    if (expected === 200 || expected === 'guest') {
      const subject = expected === 'guest' ? null : expect.stringMatching(/^(alice|erin)$/)
      expect({ status, body }).toEqual({ status: 200, body: { subject } })
      return
    }
    const [expectedStatus, code] = expected
    const challenge = headers['www-authenticate']
    expect({ status, code: body?.code }).toEqual({ status: expectedStatus, code })
    const pattern = challenges[code] ?? challenges[expectedStatus]
    if (pattern === undefined) expect(challenge).toBeUndefined()
    else expect(challenge).toMatch(pattern)
    if (code === 'credentials_missing') expect(challenge).toBe('Bearer')
    expect(headers['content-type']).toMatch(/^application\/problem\+json(; charset=utf-8)?$/)
    expect(text).not.toMatch(/ at |\.js|stack/)
  })

  it('refuses a token that has been revoked since the last request', async () => {
    const { token } = await setup.latchkey.issue({ subject: 'frank' })
    const sent = { path: '/header', headers: bearer(token) }
    expect(await sendTo(portFor('/header'), sent)).toMatchObject({ status: 200, body: { subject: 'frank' } })
    await setup.keys.revoke('frank')
    const { status, body, headers } = await sendTo(portFor('/header'), sent)
    expect([status, body?.code, headers['cache-control']]).toEqual([401, 'token_revoked', 'no-store'])
  })

  it('leaves an error of the handler to Nest, and goes on', async () => {
    const headers = bearer(tokens.good)
    expect((await sendTo(portFor('/'), { path: '/throws', headers })).status).toBe(500)
    expect((await sendTo(portFor('/'), { path: '/throws' })).status).toBe(401)
    expect((await sendTo(portFor('/'), { path: '/header', headers })).status).toBe(200)
  })

  it('goes on when a client leaves while its token is verified', async () => {
    setup.clock.advance(60_000)
    steered.holdReads()
    const sent = { path: '/header', headers: bearer(tokens.good) }
    const leaving = new AbortController()
    const left = call(portFor('/'), sent, leaving.signal)
    const server: Server | undefined = applications.get('/')?.app.getHttpServer()
    const connections = () =>
      new Promise<number>((resolve) => server?.getConnections((_error, count) => resolve(count)))
    try {
      await expect.poll(() => steered.held.length).toBeGreaterThan(0)
      leaving.abort()
      await expect(left).rejects.toThrow()
      await expect.poll(connections).toBe(0)
    } finally {
      steered.release()
    }
    expect((await sendTo(portFor('/'), sent)).status).toBe(200)
  })

  it('responds with 503 and Retry-After, and no challenge, while the store is away', async () => {
    steered.setReachable(false)
    setup.clock.advance(60_000)
    try {
      const sent = { path: '/header', headers: bearer(tokens.good) }
      const { status, body, headers } = await sendTo(portFor('/header'), sent)
      expect([status, body?.code]).toEqual([503, 'store_unavailable'])
      expect(headers['www-authenticate']).toBeUndefined()
      expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    } finally {
      steered.setReachable(true)
    }
  })
})

describe('the options of the module', () => {
  const { latchkey } = setUp()

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no latchkey', {}],
    ['a latchkey that cannot verify', { latchkey: {} }],
    ['a cookie that is no name', { latchkey, cookie: 'a b' }],
    ['the header Authorization', { latchkey, header: 'Authorization' }],
    ['a csrf check that is no function', { latchkey, csrf: true }],
    ['a text as global', { latchkey, global: 'yes' }],
    ['a text as close', { latchkey, close: 'yes' }],
    ['an onRefusal that is no function', { latchkey, onRefusal: 401 }],
    ['a requestOf that is no function', { latchkey, requestOf: {} }],
  ])('throw a TypeError for %s', async (_, options) => {
    expect(() => LatchkeyModule.forRoot(options as LatchkeyModuleOptions)).toThrow(TypeError)
    const module = LatchkeyModule.forRootAsync({ useFactory: () => options as LatchkeyModuleOptions })
    await expect(startNest({ imports: [module] })).rejects.toThrow(TypeError)
  })

  it('throw a TypeError if useFactory is missing', () => {
    expect(() => LatchkeyModule.forRootAsync({} as never)).toThrow(TypeError)
  })
})
