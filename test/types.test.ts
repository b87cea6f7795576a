import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const start = `
declare const latchkey: import('latchkey').Latchkey
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}
`

const express = `${start}
import express, { type Request, type RequestHandler, type Response } from 'express'
import { type AuthenticatedRequest, authOf, requireAuth, requireRole, requireScope } from 'latchkey/express'

const app = express()
app.get('/', requireAuth(latchkey), (req, res) => { res.json(req.auth.subject) })
app.get('/users/:id', requireAuth(latchkey), (req) => { same<typeof req.params.id, string>(true) })
app.get('/users/:id', requireRole('a'), (req) => { same<typeof req.params.id, string>(true) })
app.post('/a/:a/b/:b', requireAuth(latchkey), requireRole('a'), requireScope('b'), express.json(), async (req, res) => {
  same<typeof req.params.b, string>(true)
  res.send(req.auth.subject + req.body.any)
})
// @ts-expect-error: the route has no such parameter
app.get('/users/:id', requireAuth(latchkey), (req) => req.params.other)
// @ts-expect-error: no guard
app.get('/', (req) => req.auth.subject)
// @ts-expect-error: a check of roles is no guard
app.get('/', requireRole('a'), (req) => req.auth.subject)

app.use(requireAuth(latchkey), (req, _res, next) => { next(req.auth.subject) })
app.use('/posts', requireAuth(latchkey), requireRole('a'))
app.use([requireAuth(latchkey), requireRole('a')])
// @ts-expect-error: a guard before a route does not change the types of the route
app.get('/posts', (req) => req.auth.subject)
app.get('/posts', (req) => authOf(req).subject)

const plain = (req: Request, res: Response) => { res.json(req.params) }
const typed: RequestHandler<{ id: string }> = (req, res) => { res.json(req.params.id) }
const guarded = (req: AuthenticatedRequest<{ id: string }>, res: Response) => { res.json([req.params.id, req.auth]) }
app.get('/users/:id', requireAuth(latchkey), plain)
app.get('/users/:id', requireAuth(latchkey), typed)
app.get('/users/:id', requireAuth(latchkey), guarded)
// @ts-expect-error: this handler needs a guard
app.get('/users/:id', guarded)

const router = express.Router()
router.get('/users/:id', requireAuth(latchkey), (req) => { same<typeof req.params.id, string>(true); req.auth.grants })
router.route('/users/:id').get(requireAuth(latchkey), (req) => { same<typeof req.params.id, string>(true); req.auth.grants })
`

const fastify = `${start}
import fastify, { type FastifyRequest } from 'fastify'
import { authOf, requireAuth, requireRole } from 'latchkey/fastify'

const app = fastify()
app.get('/', { onRequest: requireAuth(latchkey) }, async (request) => request.auth.subject)
app.get('/', { onRequest: [requireAuth(latchkey), requireRole('a')] }, async ({ auth }) => auth.subject)
app.put('/', { preHandler: requireAuth(latchkey, { body: true }) }, async (request) => request.auth.subject)
app.get<{ Params: { id: string } }>('/users/:id', { onRequest: requireAuth(latchkey) }, async (request) => {
  same<typeof request.params.id, string>(true)
  return request.auth.subject
})
app.route({ method: 'GET', url: '/', onRequest: requireAuth(latchkey), handler: async ({ auth }) => auth.subject })
// @ts-expect-error: no hook
app.get('/', async (request) => request.auth.subject)
// @ts-expect-error: a check of roles is no such hook
app.get('/', { onRequest: requireRole('a') }, async (request) => request.auth.subject)
// @ts-expect-error: no hook
app.route({ method: 'GET', url: '/', handler: async (request) => request.auth.subject })
app.addHook('onRequest', requireAuth(latchkey))
const plain = async (request: FastifyRequest) => authOf(request).subject
app.get('/', plain)
app.get('/', { onRequest: requireAuth(latchkey) }, plain)
`

const others = `${start}
import { Hono } from 'hono'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { keyPair, sharedSecret, tenantSecrets, type TenantSecrets } from 'latchkey'
import { requireAuth, requireRole } from 'latchkey/hono'
import { memoryStore } from 'latchkey/memory'
import { authenticate, sendProblem } from 'latchkey/node'

const app = new Hono()
app.get('/users/:id', requireAuth(latchkey), requireRole('a'), (c) => {
  const id: string = c.req.param('id')
  return c.json({ id, subject: c.get('auth').subject, same: c.var.auth.subject })
})
// @ts-expect-error: no guard
app.get('/', (c) => c.text(c.var.auth.subject))

createHttp2Server(async (req, res) => { sendProblem(res, await authenticate(latchkey, req, { header: 'x-access-token' })) })
createServer(async (req, res) => { sendProblem(res, await authenticate(latchkey, req, { cookie: 'token' })) })

interface Named { readonly plan: string; readonly seats?: { readonly most: number } }
declare const named: Named
declare const keys: TenantSecrets
latchkey.issue({ subject: 'ada', claims: named })
latchkey.issue({ subject: 'ada', claims: { plan: 'pro', list: [1, { a: null }] } })
keys.setGrants('ada', named)
keys.setGrants('ada', { roles: ['editor'], plan: 'pro' })
// @ts-expect-error: roles is a list
keys.setGrants('ada', { roles: 'editor' })
// @ts-expect-error: claims is an object
latchkey.issue({ subject: 'ada', claims: 'plan' })
// @ts-expect-error: the ID of a subject is text
latchkey.issue({ subject: 42 })

tenantSecrets({ store: memoryStore(), masterKeys: process.env.LATCHKEY_MASTER_KEYS })
keyPair({ store: memoryStore(), masterKeys: process.env.LATCHKEY_MASTER_KEYS })
sharedSecret({ secrets: [process.env.JWT_SECRET] })
// @ts-expect-error: masterKeys is required
tenantSecrets({ store: memoryStore() })
`

const beside = `${start}
import express from 'express'
import fastify from 'fastify'
import { requireAuth } from 'latchkey/express'
import { requireAuth as requireAuthHook } from 'latchkey/fastify'

declare global { namespace Express { interface Request { auth?: { readonly sub: string } } } }
declare module 'fastify' { interface FastifyRequest { auth: { readonly user: string } } }

express().get('/', requireAuth(latchkey), (req) => req.auth.subject)
express().get('/', (req) => req.auth?.sub)
fastify().get('/', { onRequest: requireAuthHook(latchkey) }, async (request) => request.auth.subject)
fastify().get('/', async (request) => request.auth.user)
`

describe('the types', () => {
  it('have the identity behind a guard and nowhere else, and keep the types of the route', () => {
    expect(compileTypeScript({ 'express.ts': express, 'fastify.ts': fastify, 'others.ts': others })).toEqual([])
  })

  it('are compatible with the auth property of another library', () => {
    expect(compileTypeScript({ 'beside.ts': beside })).toEqual([])
  })
})
