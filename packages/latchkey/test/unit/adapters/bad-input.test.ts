import { createServer, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requireAuth as expressAuth } from '../../../src/adapters/express/index.js'
import { requireAuth as fastifyAuth } from '../../../src/adapters/fastify/index.js'
import { authenticate as authenticateFetch } from '../../../src/adapters/fetch/index.js'
import { requireAuth as honoAuth } from '../../../src/adapters/hono/index.js'
import { authenticate as authenticateNode, sameOrigin } from '../../../src/adapters/node/index.js'
import { isLatchkeyError } from '../../../src/errors.js'
import { outcomeOf, setUp } from '../../support/setup.js'
import { listen } from './applications/application.js'

const { latchkey } = setUp()
const issue = async () => (await latchkey.issue({ subject: 'ada' })).token
const codeOf = (error: unknown) => (isLatchkeyError(error) ? error.code : error)
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Opens a WebSocket with these headers, and returns what a function makes of the request. */
async function upgrade(
  headers: readonly string[],
  take: (request: IncomingMessage) => Promise<unknown>,
): Promise<unknown> {
  const server = createServer()
  const taken = new Promise((resolve) => {
    server.on('upgrade', (request, socket) => {
      socket.destroy()
      resolve(take(request))
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

describe('an upgrade, which has no response object', () => {
  it('is authenticated from the header, from the query and from the cookie of this origin', async () => {
    const token = await issue()
    const options = { cookie: 'session', query: true }
    const take = (request: IncomingMessage) =>
      outcomeOf(async () => (await authenticateNode(latchkey, request, options)).subject)
    expect(await upgrade([`Authorization: Bearer ${token}`], take)).toBe('ada')
    expect(await upgrade([`Cookie: session=${token}`, 'Origin: http://127.0.0.1'], take)).toBe('ada')
    expect(await upgrade([`Cookie: session=${token}`, 'Origin: http://evil.example'], take)).toBe('csrf_refused')
    expect(await upgrade([`Cookie: session=${token}`], take)).toBe('csrf_refused')
    expect(await upgrade([], take)).toBe('credentials_missing')
  })

  it('passes only with a trusted origin, if pages of another host may connect', async () => {
    const options = { cookie: 'session', csrf: sameOrigin({ trusted: ['https://app.example.com'] }) }
    const token = await issue()
    const take = (request: IncomingMessage) =>
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

describe('a guard behind the parsing of bodies', () => {
  it('takes the token of the parsed form, and leaves the form to the handler', async () => {
    const token = await issue()
    const body = `access_token=${token}&title=News`
    const sources = { body: true } as const

    const expressApp = express()
    expressApp.use(express.urlencoded({ extended: false }))
    expressApp.post('/', expressAuth(latchkey, sources), (req, res) => {
      res.json([req.auth.subject, req.body.title])
    })
    const application = await listen(createServer(expressApp))
    onTestFinished(() => application.close())
    const answer = await fetch(`http://127.0.0.1:${application.port}/`, { method: 'POST', headers: form, body })
    expect(await answer.json()).toEqual(['ada', 'News'])

    const fastifyApp = fastify()
    fastifyApp.addContentTypeParser(form['content-type'], { parseAs: 'string' }, (_request, text, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(text)))),
    )
    fastifyApp.post('/', { preHandler: fastifyAuth(latchkey, sources) }, async ({ auth, body: parsed }) => [
      auth.subject,
      (parsed as { title: string }).title,
    ])
    expect((await fastifyApp.inject({ method: 'POST', url: '/', headers: form, payload: body })).json()).toEqual([
      'ada',
      'News',
    ])
    await fastifyApp.close()

    const honoApp = new Hono()
    honoApp.use(async (c, next) => {
      await c.req.parseBody()
      await next()
    })
    honoApp.post('/', honoAuth(latchkey, sources), async (c) => {
      const { title } = await c.req.parseBody()
      return c.json([c.get('auth').subject, title])
    })
    const response = await honoApp.request('/', { method: 'POST', headers: form, body })
    expect(await response.json()).toEqual(['ada', 'News'])
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
  })
})
