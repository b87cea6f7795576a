import { once } from 'node:events'
import { request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import Hapi, { type RouteOptions, type Server } from '@hapi/hapi'
import { describe, expect, it, onTestFinished } from 'vitest'
import hapiPlugin, { authOf, optionalAuthOf, plugin, requireRole, scheme } from '../../../src/adapters/hapi/index.js'
import type { Verifier } from '../../../src/http/guard.js'
import { type Setup, setUp } from '../../support/setup.js'
import { applicationOf } from './applications/application.js'
import { call } from './call.js'

async function start(
  { latchkey }: Setup,
  routes: Readonly<Record<string, RouteOptions>>,
  first?: (server: Server) => void,
) {
  const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false })
  await server.register(plugin)
  server.auth.strategy('token', 'latchkey', { latchkey })
  first?.(server)
  for (const [path, options] of Object.entries(routes)) {
    server.route({
      method: ['GET', 'POST'],
      path,
      options,
      handler: (request) => {
        const { credentials, isAuthenticated, error } = request.auth
        return {
          credentials,
          isAuthenticated,
          error: error?.message ?? null,
          id: optionalAuthOf(request)?.subject ?? null,
        }
      },
    })
  }
  await server.start()
  onTestFinished(() => server.stop())
  const { port } = applicationOf(server.listener as import('node:http').Server)
  return (path: string, headers: readonly string[] = []) => call(port, { path, headers })
}

const bearer = (token: string) => ['Authorization', `Bearer ${token}`]

describe('the scheme of hapi', () => {
  it('presents subject and stored scope as credentials, and no token', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'ada', claims: { scope: 'a b c' } })
    await setup.keys.setGrants('ada', { scope: 'a b' })
    const ask = await start(setup, { '/': { auth: 'token' } })
    const { status, text } = await ask('/', bearer(token))
    expect([status, JSON.parse(text)]).toEqual([
      200,
      { credentials: { user: { id: 'ada' }, scope: ['a', 'b'] }, isAuthenticated: true, error: null, id: 'ada' },
    ])
    expect(text).not.toContain(token)
  })

  it('lets access.scope and access.entity of a route decide by the stored grants', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'ada', claims: { scope: 'posts:write' } })
    const ask = await start(setup, {
      '/write': { auth: { strategy: 'token', access: { scope: ['+posts:write'] } } },
      '/read': { auth: { strategy: 'token', access: { scope: ['posts:read'] } } },
      '/user': { auth: { strategy: 'token', access: { entity: 'user' } } },
      '/app': { auth: { strategy: 'token', access: { entity: 'app' } } },
    })
    const statusOf = async (path: string) => (await ask(path, bearer(token))).status
    expect([await statusOf('/write'), await statusOf('/user'), await statusOf('/app')]).toEqual([403, 200, 403])
    await setup.keys.setGrants('ada', { scope: 'posts:write posts:read' })
    // The token narrows the scope.
    expect([await statusOf('/write'), await statusOf('/read')]).toEqual([200, 403])
  })

  it('follows the mode of a route', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'ada' })
    const ask = await start(setup, {
      '/optional': { auth: { strategy: 'token', mode: 'optional' } },
      '/try': { auth: { strategy: 'token', mode: 'try' } },
    })
    for (const path of ['/optional', '/try']) {
      expect(JSON.parse((await ask(path)).text)).toMatchObject({ isAuthenticated: false, id: null })
      expect(JSON.parse((await ask(path, bearer(token))).text)).toMatchObject({ isAuthenticated: true, id: 'ada' })
    }
    expect((await ask('/optional', bearer('garbage'))).status).toBe(401)
    expect(JSON.parse((await ask('/try', bearer('garbage'))).text)).toMatchObject({
      isAuthenticated: false,
      id: null,
      error: 'The token is not a well-formed compact JWS.',
    })
  })

  it('leaves a request without credentials to the next strategy, and refuses any other', async () => {
    const setup = setUp()
    const ask = await start(setup, { '/': { auth: { strategies: ['token', 'key'] } } }, (server) => {
      server.auth.scheme('key', () => ({
        authenticate: (request, h) =>
          request.headers['x-key'] === 'right'
            ? h.authenticated({ credentials: { user: { id: 'machine' } } })
            : h.unauthenticated(new Error('no key')),
      }))
      server.auth.strategy('key', 'key')
    })
    // The identity of another strategy is not one of this scheme.
    expect((await ask('/', ['X-Key', 'right'])).status).toBe(500)
    expect((await ask('/', [...bearer('garbage'), 'X-Key', 'right'])).status).toBe(401)
  })

  it('challenges with Bearer when no strategy found credentials', async () => {
    const setup = setUp()
    const ask = await start(setup, { '/': { auth: { strategies: ['token', 'other'] } } }, (server) => {
      server.auth.strategy('other', 'latchkey', { latchkey: setup.latchkey, header: 'X-Other' })
    })
    expect(await ask('/')).toMatchObject({ status: 401, challenge: 'Bearer, Bearer' })
  })

  it('checks the token again when the body has arrived, and whenever the application asks', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'ada' })
    const server = Hapi.server()
    await server.register(hapiPlugin)
    server.auth.strategy('token', 'latchkey', { latchkey: setup.latchkey })
    server.ext('onPostAuth', (_request, h) => h.continue)
    server.route({
      method: 'POST',
      path: '/required',
      options: {
        auth: { strategy: 'token', payload: 'required' },
        // Runs after the authentication, before the payload is authenticated.
        payload: { failAction: 'ignore' },
        ext: { onPreAuth: { method: (_request, h) => h.continue } },
      },
      handler: () => 'in',
    })
    server.route({
      method: 'GET',
      path: '/slow',
      options: { auth: 'token' },
      handler: async (request) => {
        await setup.keys.revoke('ada')
        await server.auth.verify(request)
        return 'in'
      },
    })
    const headers = { authorization: `Bearer ${token}` }
    expect((await server.inject({ method: 'POST', url: '/required', headers })).statusCode).toBe(200)
    const slow = await server.inject({ url: '/slow', headers })
    expect([slow.statusCode, JSON.parse(slow.payload).code]).toEqual([401, 'token_revoked'])
  })

  it('refuses a token that is revoked while the body arrives, where the payload is authenticated', async () => {
    const setup = setUp()
    const server = Hapi.server({ port: 0, host: '127.0.0.1' })
    await server.register(plugin)
    let verified = 0
    const verify: Verifier['verify'] = (token) => {
      verified += 1
      return setup.latchkey.verify(token)
    }
    server.auth.strategy('token', 'latchkey', { latchkey: { verify } })
    for (const [path, payload] of Object.entries({ '/once': false, '/again': 'required' } as const)) {
      const options = { auth: { strategy: 'token', payload } }
      server.route({ method: 'POST', path, options, handler: (request) => request.payload })
    }
    await server.start()
    onTestFinished(() => server.stop())
    const sendSlowly = async (path: string) => {
      const { token } = await setup.latchkey.issue({ subject: 'ada' })
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'text/plain', 'Content-Length': 4 }
      const sent = send({ port: server.info.port, host: '127.0.0.1', method: 'POST', path, headers })
      const before = verified
      sent.write('Ne')
      await expect.poll(() => verified).toBe(before + 1)
      await setup.keys.revoke('ada')
      sent.end('ws')
      const [response] = await once(sent, 'response')
      return text(response)
    }
    expect(await sendSlowly('/once')).toBe('News')
    expect(JSON.parse(await sendSlowly('/again'))).toMatchObject({ statusCode: 401, code: 'token_revoked' })
  })

  it('can be registered under another name', async () => {
    const { latchkey } = setUp()
    const server = Hapi.server()
    server.auth.scheme('bearer', scheme)
    server.auth.strategy('token', 'bearer', { latchkey })
    server.auth.default('token')
    server.route({ method: 'GET', path: '/', handler: (request) => authOf(request).subject })
    expect((await server.inject('/')).statusCode).toBe(401)
    const { token } = await latchkey.issue({ subject: 'ada' })
    expect((await server.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })).payload).toBe('ada')
  })

  it('refuses by a check at onCredentials, before the handler', async () => {
    const setup = setUp()
    const { token } = await setup.latchkey.issue({ subject: 'ada' })
    const ask = await start(setup, {
      '/': { auth: 'token', ext: { onCredentials: { method: requireRole('editor') } } },
    })
    const { status, text } = await ask('/', bearer(token))
    expect([status, JSON.parse(text).code]).toEqual([403, 'insufficient_role'])
  })

  it('presents a refusal to onPreResponse as an error of hapi', async () => {
    const setup = setUp()
    const ask = await start(setup, { '/': { auth: 'token' } }, (server) => {
      server.ext('onPreResponse', ({ response }, h) => {
        if (!('isBoom' in response)) return h.continue
        return h.response({ status: response.output.statusCode, isServer: response.isServer }).code(418)
      })
    })
    const { status, text } = await ask('/')
    expect([status, JSON.parse(text)]).toEqual([418, { status: 401, isServer: false }])
  })
})
