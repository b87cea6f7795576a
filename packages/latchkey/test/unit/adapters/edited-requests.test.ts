import { createServer, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { Socket } from 'node:net'
import express, { type Request as ExpressRequest } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireAuth as requireAuthExpress } from '../../../src/adapters/express/index.js'
import { requireAuth as requireAuthFastify } from '../../../src/adapters/fastify/index.js'
import { authenticate as authenticateFetch } from '../../../src/adapters/fetch/index.js'
import { requireAuth as requireAuthHono } from '../../../src/adapters/hono/index.js'
import { authenticate as authenticateNode, type NodeRequest, sendProblem } from '../../../src/adapters/node/index.js'
import type { GuardOptions, RequiredGuardOptions } from '../../../src/http/guard-options.js'
import { outcomeOf, setUp } from '../../support/setup.js'

const { latchkey, clock } = setUp()
let ada = ''
let bob = ''
let expired = ''

beforeAll(async () => {
  expired = (await latchkey.issue({ subject: 'ada', expiresIn: 1 })).token
  clock.advance(10_000)
  ada = (await latchkey.issue({ subject: 'ada' })).token
  bob = (await latchkey.issue({ subject: 'bob' })).token
})

/** A request as test doubles and gateways create it, with only some members. */
type Double = Omit<NodeRequest, 'headers' | 'rawHeaders'> & {
  readonly headers: Record<string, unknown>
  readonly rawHeaders?: unknown
  readonly body?: unknown
  readonly query?: unknown
}

type Options = GuardOptions & RequiredGuardOptions

/** How each adapter for Node.js handles a double: the subject, or the code of the refusal. */
const nodeAdapters: readonly [string, (request: Double, sources?: Options) => Promise<unknown>][] = [
  [
    'node',
    (request, sources = {}) =>
      outcomeOf(async () => (await authenticateNode(latchkey, request as NodeRequest, sources)).subject),
  ],
  [
    'Express',
    (request, sources) =>
      new Promise((resolve) => {
        const res = { statusCode: 0, setHeader: () => {}, end: (body: string) => resolve(JSON.parse(body).code) }
        const next = (error?: unknown) => resolve(error ?? (request as { auth?: { subject: string } }).auth?.subject)
        requireAuthExpress(latchkey, sources)(request as NodeRequest, res, next)
      }),
  ],
  [
    'Fastify',
    (request, sources) =>
      new Promise((resolve) => {
        const wrapped = { ...request, raw: request }
        const done = (error?: Error & { code?: string }) =>
          resolve(error?.code ?? error ?? (wrapped as { auth?: { subject: string } }).auth?.subject)
        const hook = requireAuthFastify(latchkey, sources)
        hook(wrapped as unknown as Parameters<typeof hook>[0], { header: () => {} } as never, done)
      }),
  ],
]

describe.each(nodeAdapters)('a request without a socket, taken by %s', (_, take) => {
  it('is read without rawHeaders and method', async () => {
    expect(await take({ headers: { authorization: `Bearer ${ada}` } })).toBe('ada')
    expect(await take({ headers: { cookie: `t=${ada}` } }, { cookie: 't' })).toBe('ada')
    expect(await take({ headers: { 'x-access-token': ada } }, { header: 'X-Access-Token' })).toBe('ada')
    expect(await take({ headers: {} })).toBe('credentials_missing')
    expect(await take({ headers: {}, rawHeaders: undefined })).toBe('credentials_missing')
  })

  it('carries no credentials in headers that were removed', async () => {
    for (const nothing of [undefined, null, '', []]) {
      const headers = { authorization: nothing, cookie: nothing, 'x-access-token': nothing, 'content-type': nothing }
      expect(await take({ headers }, { cookie: 't', header: 'x-access-token' })).toBe('credentials_missing')
      expect(await take({ headers: { ...headers, authorization: `Bearer ${ada}` } }, { cookie: 't' })).toBe('ada')
    }
  })

  it('may have lists of values', async () => {
    expect(await take({ headers: { authorization: [`Bearer ${ada}`] } })).toBe('ada')
    expect(await take({ headers: { authorization: [`Bearer ${ada}`, `Bearer ${bob}`] } })).toBe('credentials_ambiguous')
    expect(await take({ headers: { cookie: ['a=b', `t=${ada}`] } }, { cookie: 't' })).toBe('ada')
    expect(await take({ headers: { 'x-access-token': [ada, bob] } }, { header: 'x-access-token' })).toBe(
      'credentials_ambiguous',
    )
  })

  it('is read as middleware has edited it, whatever arrived', async () => {
    const arrived = ['Host', 'a', 'Authorization', `Bearer ${ada}`]
    const twice = [...arrived, 'authorization', `Bearer ${bob}`]
    const edited = (authorization: string | undefined, rawHeaders: string[]) =>
      take({ headers: { authorization }, rawHeaders })
    expect(await edited(undefined, arrived)).toBe('credentials_missing')
    expect(await edited('', arrived)).toBe('credentials_missing')
    expect(await edited(`Bearer ${bob}`, arrived)).toBe('bob')
    expect(await edited(`Bearer ${expired}`, arrived)).toBe('token_expired')
    expect(await edited('Basic YTpi', arrived)).toBe('credentials_missing')
    expect(await edited(`Bearer ${ada}`, twice)).toBe('credentials_ambiguous')
    expect(await edited(`Bearer ${bob}`, twice)).toBe('bob')
    expect(await edited(undefined, twice)).toBe('credentials_missing')
    expect(await edited(`Bearer ${ada}`, [])).toBe('ada')
    // A server created with `joinDuplicateHeaders` joins the two headers.
    expect(await edited(`Bearer ${ada}, Bearer ${bob}`, twice)).toBe('credentials_ambiguous')
  })
})

describe('a request as serverless-http makes it', () => {
  it('is read from the headers that the gateway sets', async () => {
    const { IncomingMessage, ServerResponse } = await import('node:http')
    const app = express()
    app.get('/me', requireAuthExpress(latchkey), (req, res) => void res.json({ subject: req.auth.subject }))
    const ask = (authorization: string | undefined) =>
      new Promise<unknown>((resolve) => {
        const req: IncomingMessage = new IncomingMessage(new Socket())
        Object.assign(req, {
          method: 'GET',
          url: '/me',
          headers: { host: 'a', ...(authorization && { authorization }) },
          complete: true,
        })
        const res = new ServerResponse(req)
        res.end = ((body: string) => resolve(JSON.parse(body))) as typeof res.end
        app(req as ExpressRequest, res as never)
      })
    expect(await ask(`Bearer ${ada}`)).toEqual({ subject: 'ada' })
    expect(await ask(undefined)).toMatchObject({ code: 'credentials_missing' })
  })
})

describe('Fastify', () => {
  it('is read as Fastify presents the request, also by light-my-request', async () => {
    const app = fastify()
    app.addHook('onRequest', async (request) => {
      const { how } = request.query as { how?: string }
      if (how === 'delete') delete request.headers.authorization
      if (how === 'raw') delete request.raw.headers.authorization
      if (how === 'replace') request.headers = { authorization: `Bearer ${bob}` }
      if (how === 'empty') request.headers = { authorization: '' }
    })
    app.get('/me', { onRequest: requireAuthFastify(latchkey) }, async ({ auth }) => ({ subject: auth.subject }))
    const ask = async (query: string, authorization: string | string[] = `Bearer ${ada}`) =>
      JSON.parse((await app.inject({ url: `/me${query}`, headers: { authorization } as Record<string, string> })).body)
    expect(await ask('')).toEqual({ subject: 'ada' })
    expect(await ask('?how=delete')).toMatchObject({ code: 'credentials_missing' })
    expect(await ask('?how=raw')).toMatchObject({ code: 'credentials_missing' })
    expect(await ask('?how=empty')).toMatchObject({ code: 'credentials_missing' })
    expect(await ask('?how=replace')).toEqual({ subject: 'bob' })
    await app.close()
  })
})

describe('Web requests', () => {
  it('are read with edited headers, and after they were replaced', async () => {
    const app = new Hono()
    app.use(async (c, next) => {
      const how = c.req.query('how')
      if (how === 'delete') c.req.raw.headers.delete('authorization')
      if (how === 'set') c.req.raw.headers.set('authorization', `Bearer ${bob}`)
      if (how === 'replace') c.req.raw = new Request(c.req.raw, { headers: { authorization: `Bearer ${bob}` } })
      if (how === 'empty') c.req.raw = new Request(c.req.raw, { headers: { authorization: '' } })
      await next()
    })
    app.get('/me', requireAuthHono(latchkey), (c) => c.json({ subject: c.get('auth').subject }))
    const mounted = new Hono().route('/inner', app).mount('/mounted', (request) => app.fetch(request))
    const headers = { authorization: `Bearer ${ada}` }
    for (const prefix of ['/inner', '/mounted']) {
      const ask = async (query: string) => (await mounted.request(`${prefix}/me${query}`, { headers })).json()
      expect(await ask('')).toEqual({ subject: 'ada' })
      for (const how of ['set', 'replace']) expect(await ask(`?how=${how}`)).toEqual({ subject: 'bob' })
      for (const how of ['delete', 'empty'])
        expect(await ask(`?how=${how}`)).toMatchObject({ code: 'credentials_missing' })
    }
  })

  it('are read only for the sources in use', async () => {
    const double = { method: 'GET', headers: new Headers({ authorization: `Bearer ${ada}` }) } as Request
    expect((await authenticateFetch(latchkey, double)).subject).toBe('ada')
  })
})

describe.each<[string, (handle: (req: NodeRequest, res: Parameters<typeof sendProblem>[0]) => void) => Server]>([
  ['HTTP/2', (handle) => createHttp2Server((req, res) => handle(req, res))],
  [
    'HTTP/1.1 that joins repeated headers',
    (handle) => createServer({ joinDuplicateHeaders: true }, (req, res) => handle(req, res)),
  ],
])('a server of %s', (protocol, create) => {
  const server = create(async (req, res) => {
    try {
      res.end(JSON.stringify(await authenticateNode(latchkey, req, { cookie: 't', header: 'x-access-token' })))
    } catch (error) {
      sendProblem(res, error)
    }
  })
  let session: ClientHttp2Session | undefined
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    if (protocol === 'HTTP/2') session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  afterAll(async () => {
    session?.close()
    await new Promise((resolve) => server.close(resolve))
  })

  const ask = async (headers: Record<string, string | string[]>, method = 'GET') => {
    const [status, text] = await (session === undefined
      ? askHttp1(server, headers, method)
      : askHttp2(session, { ...headers, ':method': method }))
    const { subject, code } = JSON.parse(text)
    return `${status} ${subject ?? code}`
  }

  it('accepts a token from each source, and responds with status and code to others', async () => {
    expect(await ask({ authorization: `Bearer ${ada}` })).toBe('200 ada')
    expect(await ask({ cookie: `a=b; t=${ada}` })).toBe('200 ada')
    expect(await ask({ 'x-access-token': ada })).toBe('200 ada')
    expect(await ask({})).toBe('401 credentials_missing')
    expect(await ask({ cookie: 't=', 'x-access-token': '' })).toBe('401 credentials_missing')
    expect(await ask({ authorization: `Bearer ${ada}`, cookie: `t=${bob}` })).toBe('400 credentials_ambiguous')
    expect(await ask({ 'x-access-token': [ada, bob] })).toBe('400 credentials_ambiguous')
  })

  it('compares the origin of a change with its own authority', async () => {
    const { port } = server.address() as AddressInfo
    const origin = `http://127.0.0.1:${port}`
    expect(await ask({ cookie: `t=${ada}`, origin }, 'POST')).toBe('200 ada')
    expect(await ask({ cookie: `t=${ada}`, origin: 'http://127.0.0.1' }, 'POST')).toBe('403 csrf_refused')
    expect(await ask({ cookie: `t=${ada}` }, 'POST')).toBe('403 csrf_refused')
    expect(await ask({ cookie: `t=${ada}`, 'sec-fetch-site': 'same-origin' }, 'POST')).toBe('200 ada')
  })

  it('detects a repeated header', async () => {
    // The HTTP/2 client of Node.js sends this header only once.
    if (session === undefined)
      expect(await ask({ authorization: [`Bearer ${ada}`, `Bearer ${bob}`] })).toBe('400 credentials_ambiguous')
    const pseudo = [':method', 'GET', ':path', '/', 'authorization', `Bearer ${ada}`, 'authorization', `Bearer ${bob}`]
    const request = { headers: { ':path': '/', authorization: `Bearer ${ada}` }, rawHeaders: pseudo }
    expect(await outcomeOf(async () => authenticateNode(latchkey, request))).toBe('credentials_ambiguous')
  })
})

async function askHttp1(
  server: Server,
  headers: Record<string, string | string[]>,
  method: string,
): Promise<[number, string]> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    const sent = request({ host: '127.0.0.1', port, method, headers: headers as Record<string, string> }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part) => (text += part))
      answer.on('end', () => resolve([answer.statusCode ?? 0, text]))
    })
    sent.on('error', reject).end()
  })
}

function askHttp2(session: ClientHttp2Session, headers: Record<string, string | string[]>): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ...headers }, { endStream: true })
    let status = 0
    let text = ''
    stream.on('response', (answer) => (status = Number(answer[':status'])))
    stream.setEncoding('utf8').on('data', (part) => (text += part))
    stream.on('end', () => resolve([status, text])).on('error', reject)
  })
}
