import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import Hapi from '@hapi/hapi'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import * as ofExpress from '../../../src/adapters/express/index.js'
import * as ofFastify from '../../../src/adapters/fastify/index.js'
import * as ofFetch from '../../../src/adapters/fetch/index.js'
import * as ofHapi from '../../../src/adapters/hapi/index.js'
import * as ofHono from '../../../src/adapters/hono/index.js'
import * as ofKoa from '../../../src/adapters/koa/index.js'
import { RecentAuth } from '../../../src/adapters/nest/index.js'
import * as ofNext from '../../../src/adapters/next/index.js'
import * as ofNode from '../../../src/adapters/node/index.js'
import * as ofSocketio from '../../../src/adapters/socketio/index.js'
import * as ofTrpc from '../../../src/adapters/trpc/index.js'
import * as ofWs from '../../../src/adapters/ws/index.js'
import * as ofYoga from '../../../src/adapters/yoga/index.js'
import { sessionIds } from '../../../src/claims/session-ids.js'
import type { Latchkey } from '../../../src/latchkey-api.js'
import { setUp } from '../../support/setup.js'
import { applicationOf, listen } from './applications/application.js'
import { startWeb } from './applications/hono.js'
import { call } from './call.js'

const strong = { maxAge: 300, acr: 'aal2' }
const body = { outcome: 'done' }

/** Starts an application whose route / needs a strong and recent authentication. */
const applications: Readonly<Record<string, (latchkey: Latchkey) => Promise<{ port: number; close(): unknown }>>> = {
  Express: (latchkey) => {
    const app = express()
    app.get('/', ofExpress.requireAuth(latchkey), ofExpress.requireRecent(strong), (_req, res) => void res.json(body))
    return listen(createServer(app))
  },
  Fastify: async (latchkey) => {
    const app = fastify()
    const onRequest = [ofFastify.requireAuth(latchkey), ofFastify.requireRecent(strong)]
    app.get('/', { onRequest }, async () => body)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return applicationOf(app.server as Server, () => app.close())
  },
  Hono: (latchkey) => {
    const app = new Hono()
    app.get('/', ofHono.requireAuth(latchkey), ofHono.requireRecent(strong), (c) => c.json(body))
    return startWeb(app.fetch)
  },
  Koa: (latchkey) => {
    const app = new Koa()
    app.silent = true
    app.use(ofKoa.answerRefusals())
    app.use(ofKoa.requireAuth(latchkey)).use(ofKoa.requireRecent(strong))
    app.use((ctx) => {
      ctx.body = body
    })
    return listen(createServer(app.callback()))
  },
  hapi: async (latchkey) => {
    const server = Hapi.server({ port: 0, host: '127.0.0.1', debug: false })
    await server.register(ofHapi.plugin)
    server.auth.strategy('token', 'latchkey', { latchkey })
    const options = { auth: 'token', pre: [ofHapi.requireRecent(strong)] }
    server.route({ method: 'GET', path: '/', options, handler: () => body })
    await server.start()
    return applicationOf(server.listener as Server, () => server.stop())
  },
  'Node.js': (latchkey) => {
    const check = ofNode.requireRecent(strong)
    return listen(
      createServer(async (req, res) => {
        try {
          check(await ofNode.authenticate(latchkey, req))
          res.end(JSON.stringify(body))
        } catch (error) {
          ofNode.sendProblem(res, error)
        }
      }),
    )
  },
}

function setUpSessions() {
  return setUp({ latchkey: { sessionIds: sessionIds(randomBytes(32)) } })
}

describe.each(Object.entries(applications))('requireRecent of %s', (_, start) => {
  it('admits a strong and recent authentication alone, and challenges as RFC 9470 says', async () => {
    const { latchkey, clock } = setUpSessions()
    const application = await start(latchkey)
    onTestFinished(async () => void (await application.close()))
    const ask = async (token: string) => {
      const headers = ['Authorization', `Bearer ${token}`]
      const { status, challenge, text } = await call(application.port, { path: '/', headers })
      return { status, challenge, code: JSON.parse(text).code }
    }
    const weak = (await latchkey.issue({ subject: 'ada' })).token
    const good = (await latchkey.issue({ subject: 'ada', level: 'aal2' })).token
    const refused = {
      status: 401,
      code: 'insufficient_user_authentication',
      challenge: expect.stringMatching(
        /^Bearer error="insufficient_user_authentication", .*, acr_values="aal2", max_age="300"$/,
      ),
    }
    expect(await ask(weak)).toEqual(refused)
    expect(await ask(good)).toMatchObject({ status: 200 })
    clock.advance(301_000)
    expect(await ask(good)).toEqual(refused)
  })
})

describe('requireRecent of every other subpath', () => {
  it.each([
    ['fetch', ofFetch.requireRecent],
    ['next', ofNext.requireRecent],
    ['trpc', ofTrpc.requireRecent],
    ['ws', ofWs.requireRecent],
    ['socketio', ofSocketio.requireRecent],
  ])('is the same check: %s', (_, requireRecent) => {
    expect(requireRecent).toBe(ofNode.requireRecent)
  })

  it('is a GraphQL error in Yoga', async () => {
    const { latchkey } = setUpSessions()
    const check = ofYoga.requireRecent(strong)
    const weak = await latchkey.verify((await latchkey.issue({ subject: 'ada' })).token)
    expect(() => check(weak)).toThrow(
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'insufficient_user_authentication' }) }),
    )
    const good = await latchkey.verify((await latchkey.issue({ subject: 'ada', level: 'aal2' })).token)
    expect(check(good)).toBe(good)
  })

  it('is a decorator in Nest, which checks its options', () => {
    expect(RecentAuth(strong)).toBeTypeOf('function')
    expect(() => RecentAuth({ maxAge: 0 })).toThrow(TypeError)
  })
})
