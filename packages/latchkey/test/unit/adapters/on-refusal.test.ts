import { createServer } from 'node:http'
import Hapi from '@hapi/hapi'
import express, { type RequestHandler } from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import fastify4 from 'fastify4'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireAuth as expressAuth } from '../../../src/adapters/express/index.js'
import { requireAuth as fastifyAuth } from '../../../src/adapters/fastify/index.js'
import { requireAuth as fetchAuth, requireRole } from '../../../src/adapters/fetch/index.js'
import { plugin } from '../../../src/adapters/hapi/index.js'
import { requireAuth as honoAuth } from '../../../src/adapters/hono/index.js'
import { requireAuth as koaAuth } from '../../../src/adapters/koa/index.js'
import { requireAuth as nodeAuth } from '../../../src/adapters/node/index.js'
import { type LatchkeyError, refusal } from '../../../src/errors.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { setUp } from '../../support/setup.js'
import { type Application, applicationOf, listen } from './applications/application.js'
import { startWeb } from './applications/hono.js'
import { call } from './call.js'

/**
 * What `onRefusal` of an application does, by the path: redirects, redirects later, does nothing,
 * throws another error, or rejects with one.
 */
type Behaviour = '/redirect' | '/later' | '/nothing' | '/throw' | '/reject'
const behaviours: readonly Behaviour[] = ['/redirect', '/later', '/nothing', '/throw', '/reject']

type Verifier = Pick<Latchkey, 'verify'>
type Start = (latchkey: Verifier, seen: (error: LatchkeyError) => void) => Promise<Application>

const login = '/login'
const later = () => new Promise((resolve) => setImmediate(resolve))
const mistake = () => Object.assign(new Error('a mistake of onRefusal'), { status: 418, statusCode: 418 })

/** Does what the path asks for. Returns whether a redirect is to be sent. */
async function behave(path: Behaviour): Promise<boolean> {
  if (path === '/reject') throw mistake()
  if (path === '/later') await later()
  return path === '/redirect' || path === '/later'
}

const startExpress =
  (framework: typeof express): Start =>
  async (latchkey, seen) => {
    const app = framework()
    const handler: RequestHandler = (_req, res) => void res.send('in')
    for (const path of behaviours) {
      const guard = expressAuth(latchkey, {
        onRefusal: (error, _req, res, next) => {
          seen(error)
          if (path === '/throw') throw mistake()
          return behave(path).then((isRedirect) => (isRedirect ? res.redirect(login) : next()))
        },
      })
      app.get(path, guard, handler)
    }
    return listen(createServer(app))
  }

const startFastify =
  (framework: typeof fastify): Start =>
  async (latchkey, seen) => {
    const app = framework()
    for (const path of behaviours) {
      const onRequest = fastifyAuth(latchkey, {
        onRefusal: (error, _request, reply) => {
          seen(error)
          if (path === '/throw') throw mistake()
          return behave(path).then((isRedirect) => (isRedirect ? reply.redirect(login) : undefined))
        },
      })
      app.get(path, { onRequest }, async () => 'in')
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    return applicationOf(app.server, async () => void (await app.close()))
  }

const startHono: Start = (latchkey, seen) => {
  const app = new Hono()
  for (const path of behaviours) {
    const guard = honoAuth(latchkey, {
      onRefusal: (error, c) => {
        seen(error)
        if (path === '/throw') throw mistake()
        return behave(path).then((isRedirect) => (isRedirect ? c.redirect(login) : undefined))
      },
    })
    app.get(path, guard, (c) => c.text('in'))
  }
  app.onError((error) =>
    'getResponse' in error && typeof error.getResponse === 'function'
      ? error.getResponse()
      : new Response('', { status: 'status' in error ? Number(error.status) : 500 }),
  )
  return startWeb(app.fetch)
}

const startKoa: Start = async (latchkey, seen) => {
  const app = new Koa()
  app.silent = true
  app.use((ctx, next) => {
    const path = ctx.path as Behaviour
    const guard = koaAuth(latchkey, {
      onRefusal: (error) => {
        seen(error)
        if (path === '/throw') throw mistake()
        return behave(path).then((isRedirect) => {
          if (isRedirect) ctx.redirect(login)
        })
      },
    })
    return guard(ctx as never, next)
  })
  app.use((ctx) => {
    ctx.body = 'in'
  })
  return listen(createServer(app.callback()))
}

const startHapi: Start = async (latchkey, seen) => {
  const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false })
  await server.register(plugin)
  for (const path of behaviours) {
    server.auth.strategy(path, 'latchkey', {
      latchkey,
      onRefusal: (error: LatchkeyError, _request: unknown, h: Hapi.ResponseToolkit) => {
        seen(error)
        if (path === '/throw') throw hapiMistake()
        return behave(path).then(
          (isRedirect) => (isRedirect ? h.redirect(login) : undefined),
          () => {
            throw hapiMistake()
          },
        )
      },
    })
    server.route({ method: 'GET', path, options: { auth: path }, handler: () => 'in' })
  }
  await server.start()
  return applicationOf(server.listener as import('node:http').Server, () => server.stop())
}

/** hapi takes the status only of its own errors. */
function hapiMistake(): Error {
  const output = { statusCode: 418, headers: {}, payload: { statusCode: 418, error: '', message: '' } }
  return Object.assign(mistake(), { isBoom: true, isServer: false, output })
}

describe.each<[name: string, start: Start]>([
  ['Express 5', startExpress(express)],
  ['Express 4', startExpress(express4)],
  ['Fastify 5', startFastify(fastify)],
  ['Fastify 4', startFastify(fastify4 as unknown as typeof fastify)],
  ['Hono', startHono],
  ['Koa', startKoa],
  ['hapi', startHapi],
])('onRefusal of %s', (_, start) => {
  async function begin(latchkey: Verifier) {
    const seen: string[] = []
    const application = await start(latchkey, ({ code }) => seen.push(code))
    onTestFinished(() => application.close())
    return {
      seen,
      ask: (path: Behaviour, headers?: string[]) => call(application.port, { path, headers: headers ?? [] }),
    }
  }

  it('may respond, at once or later, and otherwise the framework does', async () => {
    const { latchkey } = setUp()
    const { seen, ask } = await begin(latchkey)
    for (const path of ['/redirect', '/later'] as const)
      expect(await ask(path)).toMatchObject({ status: 302, location: login })
    expect(await ask('/nothing')).toMatchObject({ status: 401, challenge: 'Bearer' })
    expect(seen).toEqual(['credentials_missing', 'credentials_missing', 'credentials_missing'])
  })

  it('lets no request pass by throwing or rejecting', async () => {
    const { latchkey } = setUp()
    const { ask } = await begin(latchkey)
    for (const path of ['/throw', '/reject'] as const) expect((await ask(path)).status).toBe(418)
  })

  it('is not called for a request that passes, and called for one that is refused by a promise', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'ada' })
    const away = () => Promise.reject(refusal('store_unavailable'))
    let isAway = false
    const { seen, ask } = await begin({ verify: (text) => (isAway ? away() : latchkey.verify(text)) })
    const headers = ['Authorization', `Bearer ${token}`]
    expect(await ask('/redirect', headers)).toMatchObject({ status: 200, text: 'in' })
    expect(seen).toEqual([])
    isAway = true
    expect(await ask('/redirect', headers)).toMatchObject({ status: 302 })
    expect(await ask('/nothing', headers)).toMatchObject({ status: 503, retryAfter: '1' })
    expect(seen).toEqual(['store_unavailable', 'store_unavailable'])
  })

  it('is not called for an error that is no refusal', async () => {
    const { seen, ask } = await begin({
      verify: () => {
        throw new Error('a mistake of the key source')
      },
    })
    expect((await ask('/redirect', ['Authorization', 'Bearer a.b.c'])).status).toBe(500)
    expect(seen).toEqual([])
  })
})

describe('requireAuth without a framework', () => {
  const { latchkey } = setUp()

  it('guards a listener of node:http, whose own refusals it answers too', async () => {
    const { token } = await latchkey.issue({ subject: 'ada' })
    const checkEditor = requireRole('editor')
    const guarded = nodeAuth(latchkey, (req, res, auth) => {
      if (req.url === '/editor') checkEditor(auth)
      res.end(auth.subject)
    })
    const application = await listen(createServer(guarded))
    onTestFinished(() => application.close())
    const headers = ['Authorization', `Bearer ${token}`]
    expect(await call(application.port, { headers })).toMatchObject({ status: 200, text: 'ada' })
    expect(await call(application.port, {})).toMatchObject({ status: 401, challenge: 'Bearer' })
    expect((await call(application.port, { headers, path: '/editor' })).status).toBe(403)
  })

  it('guards a listener of node:http with optional credentials and a response of its own', async () => {
    const guarded = nodeAuth(latchkey, (_req, res, auth) => res.end(auth?.subject ?? 'guest'), {
      optional: true,
      query: true,
      onRefusal: (error, _req, res) => res.writeHead(302, { Location: `${login}?code=${error.code}` }).end(),
    })
    const application = await listen(createServer(guarded))
    onTestFinished(() => application.close())
    const { token } = await latchkey.issue({ subject: 'ada' })
    expect((await call(application.port, {})).text).toBe('guest')
    expect((await call(application.port, { path: `/?access_token=${token}` })).text).toBe('ada')
    expect(await call(application.port, { headers: ['Authorization', 'Bearer x'] })).toMatchObject({
      status: 302,
      location: `${login}?code=token_malformed`,
    })
  })

  it('passes errors of the listener on', async () => {
    const guarded = nodeAuth(latchkey, () => Promise.reject(mistake()), { optional: true })
    await expect(guarded({ headers: {} } as never, {} as never)).rejects.toThrow('a mistake')
  })

  it('guards a handler of Web requests, and passes on what the runtime adds', async () => {
    const { token } = await latchkey.issue({ subject: 'ada' })
    const checkEditor = requireRole('editor')
    const handle = fetchAuth(latchkey, (request: Request, auth, environment: { readonly name: string }) => {
      if (new URL(request.url).pathname === '/editor') checkEditor(auth)
      return Response.json({ subject: auth.subject, environment: environment.name })
    })
    const ask = (path: string, headers = {}) => handle(new Request(`http://a${path}`, { headers }), { name: 'test' })
    const headers = { authorization: `Bearer ${token}` }
    expect(await (await ask('/', headers)).json()).toEqual({ subject: 'ada', environment: 'test' })
    expect((await ask('/')).status).toBe(401)
    expect((await ask('/editor', headers)).status).toBe(403)
    const redirecting = fetchAuth(latchkey, () => new Response('in'), {
      onRefusal: () => new Response(null, { status: 302, headers: { location: login } }),
    })
    expect((await redirecting(new Request('http://a/'))).headers.get('location')).toBe(login)
    const throwing = fetchAuth(latchkey, () => Promise.reject(mistake()), { optional: true })
    await expect(throwing(new Request('http://a/'))).rejects.toThrow('a mistake')
  })
})
