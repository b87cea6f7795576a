import { createServer, type IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import Hapi from '@hapi/hapi'
import { Body, Controller, Post } from '@nestjs/common'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import fastify4 from 'fastify4'
import { Hono } from 'hono'
import Koa from 'koa'
import Koa2 from 'koa2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireAuth as expressAuth } from '../../../src/adapters/express/index.js'
import { requireAuth as fastifyAuth, latchkey as fastifyPlugin } from '../../../src/adapters/fastify/index.js'
import { authenticate as authenticateFetch, requireAuth as fetchAuth } from '../../../src/adapters/fetch/index.js'
import { authOf as hapiAuthOf, plugin as hapiPlugin } from '../../../src/adapters/hapi/index.js'
import { requireAuth as honoAuth } from '../../../src/adapters/hono/index.js'
import { requireAuth as koaAuth } from '../../../src/adapters/koa/index.js'
import { type Auth, CurrentAuth, LatchkeyModule } from '../../../src/adapters/nest/index.js'
import {
  authenticate as authenticateNode,
  requireAuth as nodeAuth,
  sameOrigin,
} from '../../../src/adapters/node/index.js'
import { createAuthContext } from '../../../src/adapters/trpc/index.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { decorate, platforms, startNest } from '../../support/nest.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { listen } from './applications/application.js'

const { latchkey } = setUp()
const issue = async () => (await latchkey.issue({ subject: 'ada' })).token
const codeOf = (error: unknown) => (isLatchkeyError(error) ? error.code : error)
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Returns what an adapter makes of the upgrade request of a WebSocket: a subject, or a code. */
type TakeUpgrade = (request: IncomingMessage, socket: Duplex) => Promise<unknown>

/** Opens a WebSocket with these headers, and returns what a function makes of the request. */
async function upgrade(headers: readonly string[], take: TakeUpgrade): Promise<unknown> {
  const server = createServer()
  const taken = new Promise((resolve) => {
    server.on('upgrade', (request, socket) => {
      socket.on('error', () => {})
      resolve(take(request, socket).finally(() => socket.destroy()))
    })
  })
  const application = await listen(server)
  onTestFinished(() => application.close())
  const socket = connect(application.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const lines = [
    'GET /?access_token= HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...headers,
  ]
  socket.on('error', () => {})
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return taken
}

const byCookie = { cookie: 'session' } as const
const headersOf = (request: IncomingMessage) => new Headers(request.headers as Record<string, string>)

const viaKoa =
  (framework: typeof Koa): TakeUpgrade =>
  async (request) => {
    // As koa-websocket does.
    const ctx = new framework().createContext(request, undefined as never)
    return outcomeOf(async () => {
      await koaAuth(latchkey, byCookie)(ctx as never, async () => {})
      return ctx.state.auth.subject
    })
  }

const viaFastify =
  (framework: typeof fastify): TakeUpgrade =>
  (request, socket) =>
    new Promise((resolve) => {
      const app = framework()
      app.setErrorHandler(async (error) => resolve(codeOf(error)))
      app.get('/', { onRequest: fastifyAuth(latchkey, byCookie) }, async ({ auth }) => resolve(auth.subject))
      // As @fastify/websocket does.
      const response = new ServerResponse(request)
      response.assignSocket(socket as Socket)
      app.ready(() => app.routing(request, response))
    })

/** The adapters whose frameworks pass an upgrade request on, each as its WebSocket package does. */
const upgrades: readonly [string, TakeUpgrade][] = [
  ['node', (request) => outcomeOf(async () => (await authenticateNode(latchkey, request, byCookie)).subject)],
  [
    'Express',
    (request) =>
      new Promise((resolve) => {
        const next = (error?: unknown) =>
          resolve(codeOf(error) ?? (request as { auth?: { subject: string } }).auth?.subject)
        expressAuth(latchkey, byCookie)(request, undefined as never, next)
      }),
  ],
  ['Koa 3', viaKoa(Koa)],
  ['Koa 2', viaKoa(Koa2)],
  ['Fastify 5', viaFastify(fastify)],
  ['Fastify 4', viaFastify(fastify4 as unknown as typeof fastify)],
  [
    'hapi',
    async (request) => {
      const server = Hapi.server()
      await server.register(hapiPlugin)
      server.auth.strategy('token', 'latchkey', { latchkey, ...byCookie })
      const handler = (received: Hapi.Request) => ({ subject: hapiAuthOf(received).subject })
      server.route({ method: 'GET', path: '/', options: { auth: 'token' }, handler })
      // As hapi-plugin-websocket does.
      const { payload } = await server.inject({ url: '/', headers: request.headers as Record<string, string> })
      const { subject, code } = JSON.parse(payload)
      return subject ?? code
    },
  ],
  [
    'Hono',
    async (request) => {
      const app = new Hono()
      app.onError((error, c) => c.text(String(codeOf(error))))
      app.get('/', honoAuth(latchkey, byCookie), (c) => c.text(c.get('auth').subject))
      // As @hono/node-ws does.
      const env = { incoming: request, outgoing: undefined }
      return (await app.request('http://127.0.0.1/', { headers: headersOf(request) }, env)).text()
    },
  ],
  [
    'fetch',
    (request) => {
      const received = new Request('http://127.0.0.1/', { headers: headersOf(request) })
      return outcomeOf(async () => (await authenticateFetch(latchkey, received, byCookie)).subject)
    },
  ],
  [
    'tRPC',
    async (request) => {
      const { authenticate } = createAuthContext(latchkey, byCookie)({ req: request })
      return authenticate().then(
        ({ subject }) => subject,
        ({ cause }) => codeOf(cause),
      )
    },
  ],
]

describe('an upgrade, which has no response object', () => {
  it.each(upgrades)('is authenticated by %s, from the header and from the cookie of this origin', async (_, take) => {
    const token = await issue()
    const cookie = `Cookie: session=${token}`
    expect(await upgrade([`Authorization: Bearer ${token}`], take)).toBe('ada')
    expect(await upgrade([cookie, 'Origin: http://127.0.0.1'], take)).toBe('ada')
    expect(await upgrade([cookie, 'Origin: http://evil.example'], take)).toBe('csrf_refused')
    expect(await upgrade([cookie], take)).toBe('csrf_refused')
    expect(await upgrade([], take)).toBe('credentials_missing')
    expect(await upgrade(['Authorization: Bearer x'], take)).toBe('token_malformed')
  })

  it('may have the token in the query, if that is a source of latchkey/node', async () => {
    const options = { query: true }
    const take: TakeUpgrade = (request) =>
      outcomeOf(async () => (await authenticateNode(latchkey, request, options)).subject)
    expect(await upgrade([], take)).toBe('credentials_missing')
    const token = await issue()
    const withToken: TakeUpgrade = (request) => {
      request.url = `/?access_token=${token}`
      return take(request, request.socket)
    }
    expect(await upgrade([], withToken)).toBe('ada')
  })

  it('passes only with a trusted origin, if pages of another host may connect', async () => {
    const options = { cookie: 'session', csrf: sameOrigin({ trusted: ['https://app.example.com'] }) }
    const token = await issue()
    const take: TakeUpgrade = (request) =>
      outcomeOf(async () => (await authenticateNode(latchkey, request, options)).subject)
    expect(await upgrade([`Cookie: session=${token}`, 'Origin: https://app.example.com'], take)).toBe('ada')
    expect(await upgrade([`Cookie: session=${token}`, 'Origin: https://app.example.org'], take)).toBe('csrf_refused')
  })

  it('is refused by the middleware of Express through next, with no response or an incomplete one', async () => {
    const middleware = expressAuth(latchkey)
    const take = (response: unknown) => (request: IncomingMessage) =>
      new Promise((resolve) => {
        const next = (error?: unknown) =>
          resolve(codeOf(error) ?? (request as { auth?: { subject: string } }).auth?.subject)
        middleware(request, response as never, next)
      })
    const token = await issue()
    for (const response of [undefined, null, {}]) {
      expect(await upgrade([], take(response))).toBe('credentials_missing')
      expect(await upgrade(['Authorization: Bearer x'], take(response))).toBe('token_malformed')
      expect(await upgrade([`Authorization: Bearer ${token}`], take(response))).toBe('ada')
    }
  })
})

/** A guard that may read the token in a form, behind the parser of the framework. */
type SendForm = (body: string) => Promise<readonly [subject: string, title: string]>

async function send(port: number, body: string): Promise<readonly [string, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: form, body })
  return (await answer.json()) as [string, string]
}

const sources = { body: true } as const

const formToExpress =
  (framework: typeof express): SendForm =>
  async (body) => {
    const app = framework()
    app.use(framework.urlencoded({ extended: false }))
    app.post('/', expressAuth(latchkey, sources), (req, res) => void res.json([req.auth.subject, req.body.title]))
    const application = await listen(createServer(app))
    onTestFinished(() => application.close())
    return send(application.port, body)
  }

const formToFastify =
  (framework: typeof fastify, usesPlugin: boolean): SendForm =>
  async (payload) => {
    const app = framework()
    onTestFinished(async () => void (await app.close()))
    app.addContentTypeParser(form['content-type'], { parseAs: 'string' }, (_request, parsed, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(parsed)))),
    )
    if (usesPlugin) await app.register(fastifyPlugin, { latchkey, ...sources })
    const preHandler = usesPlugin ? app.authenticate : fastifyAuth(latchkey, sources)
    app.post('/', { preHandler }, async ({ auth, body }) => [auth.subject, (body as { title: string }).title])
    return (await app.inject({ method: 'POST', url: '/', headers: form, payload })).json()
  }

const formToKoa =
  (framework: typeof Koa): SendForm =>
  async (body) => {
    const app = new framework()
    app.use(async (ctx, next) => {
      // As koa-body and koa-bodyparser do.
      Object.assign(ctx.request, { body: Object.fromEntries(new URLSearchParams(await text(ctx.req))) })
      return next()
    })
    app.use(koaAuth(latchkey, sources)).use((ctx) => {
      ctx.body = [ctx.state.auth.subject, (ctx.request as unknown as { body: { title: string } }).body.title]
    })
    const application = await listen(createServer(app.callback()))
    onTestFinished(() => application.close())
    return send(application.port, body)
  }

class Articles {
  create({ subject }: Auth, { title }: { readonly title: string }) {
    return [subject, title]
  }
}
decorate(Articles, [Controller()], { create: { on: [Post()], parameters: [CurrentAuth(), Body()] } })

const formToNest =
  (createAdapter: (typeof platforms)[number][1]): SendForm =>
  async (body) => {
    const module = LatchkeyModule.forRoot({ latchkey, ...sources })
    const started = await startNest({ imports: [module], controllers: [Articles] }, createAdapter())
    onTestFinished(() => started.close())
    return send(started.port, body)
  }

/** The adapters that read forms. */
const forms: readonly [string, SendForm][] = [
  ['Express 5', formToExpress(express)],
  ['Express 4', formToExpress(express4)],
  ['Fastify 5', formToFastify(fastify, false)],
  ['Fastify 5 with the plugin', formToFastify(fastify, true)],
  ['Fastify 4', formToFastify(fastify4 as unknown as typeof fastify, false)],
  ['Koa 3', formToKoa(Koa)],
  ['Koa 2', formToKoa(Koa2)],
  ...platforms.map(([name, createAdapter]): [string, SendForm] => [`Nest on ${name}`, formToNest(createAdapter)]),
  [
    'Hono',
    async (body) => {
      const app = new Hono()
      app.use(async (c, next) => {
        await c.req.parseBody()
        await next()
      })
      app.post('/', honoAuth(latchkey, sources), async (c) => {
        const { title } = await c.req.parseBody()
        return c.json([c.get('auth').subject, title])
      })
      return (await app.request('/', { method: 'POST', headers: form, body })).json()
    },
  ],
  [
    // The guard reads a copy of the form, which the handler parses itself.
    'fetch',
    async (body) => {
      const handle = fetchAuth(
        latchkey,
        async (request, auth) => Response.json([auth.subject, (await request.formData()).get('title')]),
        sources,
      )
      return (await handle(new Request('http://a/', { method: 'POST', headers: form, body }))).json() as never
    },
  ],
]

describe('a guard behind the parsing of bodies', () => {
  it.each(forms)(
    'takes the token of the parsed form in %s, and leaves the form to the handler',
    async (_, sendForm) => {
      expect(await sendForm(`access_token=${await issue()}&title=News`)).toEqual(['ada', 'News'])
    },
  )

  it.each<[string, (headers: Record<string, string>, body: string) => Promise<unknown>]>([
    [
      'node',
      async (headers, body) => {
        const guarded = nodeAuth(latchkey, (_req, res, auth) => res.end(auth.subject))
        const application = await listen(
          createServer(async (req, res) => {
            const read = await text(req)
            res.setHeader('X-Read', read)
            await guarded(req, res)
          }),
        )
        onTestFinished(() => application.close())
        const answer = await fetch(`http://127.0.0.1:${application.port}/`, { method: 'POST', headers, body })
        return [await answer.text(), answer.headers.get('x-read')]
      },
    ],
    [
      'hapi',
      async (headers, payload) => {
        const server = Hapi.server()
        await server.register(hapiPlugin)
        server.auth.strategy('token', 'latchkey', { latchkey })
        server.route({
          method: 'POST',
          path: '/',
          options: { auth: 'token' },
          handler: (request) => [hapiAuthOf(request).subject, request.payload],
        })
        return JSON.parse((await server.inject({ method: 'POST', url: '/', headers, payload })).payload)
      },
    ],
  ])('has the body beside it in %s, where it is no source', async (_, ask) => {
    const headers = { authorization: `Bearer ${await issue()}`, 'content-type': 'text/plain' }
    expect(await ask(headers, 'News')).toEqual(['ada', 'News'])
  })

  it('refuses a token of a body that was read without it, and reads the other places', async () => {
    const token = await issue()
    const read = async (headers: Record<string, string>) => {
      const request = new Request('http://a/', { method: 'POST', headers, body: `access_token=${token}` })
      await request.text()
      return outcomeOf(async () => (await authenticateFetch(latchkey, request, { body: true })).subject)
    }
    expect(await read(form)).toBe('credentials_missing')
    expect(await read({ ...form, authorization: `Bearer ${token}` })).toBe('ada')

    const app = new Hono()
    app.use(async (c, next) => {
      await c.req.raw.text()
      await next()
    })
    app.post('/', honoAuth(latchkey, { body: true }), (c) => c.text('in'))
    const answer = await app.request('/', { method: 'POST', headers: form, body: `access_token=${token}` })
    expect(answer.status).toBe(401)
  })

  it('refuses where the body is parsed only behind it', async () => {
    const app = express()
    app.post('/', expressAuth(latchkey, { body: true }), express.urlencoded({ extended: false }), (_req, res) => {
      res.send('in')
    })
    const application = await listen(createServer(app))
    onTestFinished(() => application.close())
    const body = `access_token=${await issue()}`
    const answer = await fetch(`http://127.0.0.1:${application.port}/`, { method: 'POST', headers: form, body })
    expect(answer.status).toBe(401)

    const koa = new Koa()
    koa.silent = true
    koa.use(koaAuth(latchkey, { body: true })).use(async (ctx) => {
      ctx.body = await text(ctx.req)
    })
    const second = await listen(createServer(koa.callback()))
    onTestFinished(() => second.close())
    expect((await fetch(`http://127.0.0.1:${second.port}/`, { method: 'POST', headers: form, body })).status).toBe(401)

    const app5 = fastify()
    onTestFinished(async () => void (await app5.close()))
    app5.addContentTypeParser(form['content-type'], { parseAs: 'string' }, (_request, parsed, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(parsed)))),
    )
    app5.post('/', { onRequest: fastifyAuth(latchkey, { body: true }) }, async () => 'in')
    expect((await app5.inject({ method: 'POST', url: '/', headers: form, payload: body })).statusCode).toBe(401)
  })
})
