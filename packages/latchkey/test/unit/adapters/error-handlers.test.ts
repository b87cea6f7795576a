import express, { type ErrorRequestHandler, type Express } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import {
  requireAuth as requireAuthExpress,
  requireRole as requireRoleExpress,
} from '../../../src/adapters/express/index.js'
import { requireAuth as requireAuthFastify } from '../../../src/adapters/fastify/index.js'
import { requireAuth as requireAuthHono, requireRole as requireRoleHono } from '../../../src/adapters/hono/index.js'
import { isLatchkeyError, refusal } from '../../../src/errors.js'
import { setUp } from '../../support/setup.js'

const { latchkey } = setUp()
const unreachable = {
  verify: () => {
    throw refusal('store_unavailable', { cause: new Error('connection refused') })
  },
}
const codeOf = (error: unknown) => (isLatchkeyError(error) ? error.code : 'not ours')

/** Returns the response to one request to an Express application. */
async function request(app: Express, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const { port } = server.address() as { port: number }
    return await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  } finally {
    server.close()
  }
}

describe('a refusal in Express', () => {
  const appHandler: ErrorRequestHandler = (error, _req, res, _next) => {
    res.status(error.status).json({ mine: codeOf(error), cause: error.cause?.message })
  }

  it('reaches the error handler of the application, with the challenge already set', async () => {
    const app = express()
    app.get('/me', requireAuthExpress(latchkey), (req, res) => void res.json(req.auth.subject))
    app.get('/away', requireAuthExpress(unreachable), (req, res) => void res.json(req.auth.subject))
    app.use(appHandler)
    const answer = await request(app, '/me')
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([
      401,
      'Bearer',
      { mine: 'credentials_missing' },
    ])
    const away = await request(app, '/away', { authorization: 'Bearer a.b.c' })
    expect([away.status, away.headers.get('www-authenticate'), await away.json()]).toEqual([
      503,
      null,
      { mine: 'store_unavailable', cause: 'connection refused' },
    ])
  })

  it.each<[where: string, build: () => Express]>([
    [
      'the router of the route',
      () => {
        const router = express.Router()
        router.get('/me', requireAuthExpress(latchkey), (_req, res) => void res.end())
        router.use(appHandler)
        return express().use(router)
      },
    ],
    [
      'the application that another is mounted on',
      () => {
        const inner = express()
        inner.get('/me', requireAuthExpress(latchkey), (_req, res) => void res.end())
        return express().use(inner).use(appHandler)
      },
    ],
    [
      'the route itself',
      () =>
        express().get(
          '/me',
          requireAuthExpress(latchkey),
          (_req: unknown, res: express.Response) => void res.end(),
          appHandler,
        ),
    ],
  ])('reaches the error handler of %s', async (_, build) => {
    const app = build()
    for (let times = 0; times < 2; times += 1) {
      expect(await (await request(app, '/me')).json()).toEqual({ mine: 'credentials_missing' })
    }
  })

  it.each<[what: string, build: () => Express]>([
    ['there is none', () => express().get('/me', requireAuthExpress(latchkey), (_req, res) => void res.end())],
    [
      'the only one passes errors on, as those that report errors do',
      () => {
        const app = express()
        app.get('/me', requireAuthExpress(latchkey), (_req, res) => void res.end())
        return app.use(((error, _req, _res, next) => next(error)) satisfies ErrorRequestHandler)
      },
    ],
    [
      'there is none in an application that is mounted',
      () => express().use(express().get('/me', requireAuthExpress(latchkey), (_req, res) => void res.end())),
    ],
  ])('becomes a problem document where %s', async (_, build) => {
    const app = build()
    for (let times = 0; times < 2; times += 1) {
      const answer = await request(app, '/me')
      expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
      expect(await answer.json()).toMatchObject({ code: 'credentials_missing' })
    }
  })

  it('differs from other errors, which Express handles, also those of a misplaced guard', async () => {
    const app = express().set('env', 'test')
    app.get('/', requireRoleExpress('editor'), (_req, res) => void res.end())
    app.get('/refused', requireAuthExpress(latchkey), (_req, res) => void res.end())
    await request(app, '/refused')
    const answer = await request(app, '/')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8'])
  })
})

describe('a refusal in Hono', () => {
  it('reaches onError of the application, with the challenge already set', async () => {
    const app = new Hono()
    app.get('/me', requireAuthHono(latchkey), (c) => c.text('in'))
    app.get('/away', requireAuthHono(unreachable), (c) => c.text('in'))
    app.onError((error, c) => c.json({ mine: codeOf(error), cause: String(error.cause) }, 418))
    const answer = await app.request('/me')
    expect([answer.status, answer.headers.get('www-authenticate'), await answer.json()]).toEqual([
      418,
      'Bearer',
      { mine: 'credentials_missing', cause: 'undefined' },
    ])
    const away = await app.request('/away', { headers: { authorization: 'Bearer a.b.c' } })
    expect(await away.json()).toEqual({ mine: 'store_unavailable', cause: 'Error: connection refused' })
  })

  it('becomes a problem document if the application has no onError, or one that returns getResponse()', async () => {
    const { keys, latchkey: issuing } = setUp()
    const { token } = await issuing.issue({ subject: 'ada' })
    for (const isHandled of [false, true]) {
      const app = new Hono()
      app.get('/me', requireAuthHono(issuing), requireRoleHono('editor'), (c) => c.text('in'))
      if (isHandled)
        app.onError((error) => ('getResponse' in error ? error.getResponse() : new Response('', { status: 500 })))
      const missing = await app.request('/me')
      expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(await missing.json()).toMatchObject({ code: 'credentials_missing' })
      const unfit = await app.request('/me', { headers: { authorization: `Bearer ${token}` } })
      expect([unfit.status, await unfit.json()]).toEqual([403, expect.objectContaining({ code: 'insufficient_role' })])
    }
    await keys.close()
  })

  it('differs from other errors, which are thrown unchanged', async () => {
    const app = new Hono()
    app.get(
      '/',
      requireAuthHono({
        verify: () => {
          throw new HTTPException(418)
        },
      }),
      (c) => c.text('in'),
    )
    expect((await app.request('/', { headers: { authorization: 'Bearer a.b.c' } })).status).toBe(418)
  })
})

describe('a refusal in Fastify', () => {
  it('reaches the error handler of the application, with the challenge already set', async () => {
    const app = fastify()
    app.setErrorHandler((error, _request, reply) => reply.code(418).send({ mine: codeOf(error) }))
    app.get('/me', { onRequest: requireAuthFastify(latchkey) }, async () => 'in')
    const { statusCode, headers, body } = await app.inject('/me')
    expect([statusCode, headers['www-authenticate'], JSON.parse(body)]).toEqual([
      418,
      'Bearer',
      { mine: 'credentials_missing' },
    ])
    await app.close()
  })
})
