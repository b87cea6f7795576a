import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const start = `
declare const latchkey: import('latchkey').Latchkey
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}
`

const express = `${start}
import express, { type Request, type RequestHandler, type Response } from 'express'
import { type Auth, type AuthenticatedRequest, authOf, requireAuth, requireClaim, requireRecent, requireRole, requireScope, sameOrigin } from 'latchkey/express'

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
app.get(/^\\/users/, requireAuth(latchkey), (req) => { same<typeof req.params[0], string>(true) })

app.get('/users/:id', requireAuth(latchkey, { optional: true }), (req) => {
  same<typeof req.auth, Auth | undefined>(true)
  same<typeof req.params.id, string>(true)
})
router.route('/users/:id').get(requireAuth(latchkey, { optional: true }), (req) => { same<typeof req.auth, Auth | undefined>(true) })
// @ts-expect-error: a guest has no identity
app.get('/', requireAuth(latchkey, { optional: true }), (req) => req.auth.subject)
app.get('/', requireAuth(latchkey, { optional: false, cookie: 'token' }), (req) => req.auth.subject)
declare const maybe: boolean
app.get('/', requireAuth(latchkey, { optional: maybe }), (req) => { same<typeof req.auth, Auth | undefined>(true) })
app.get('/', requireAuth(latchkey, { csrf: sameOrigin(), onRefusal: (error, req, res, next) => { res.redirect(error.code + req.path); next() } }))
app.get('/', requireAuth(latchkey), requireClaim('amr', 'mfa', ['pwd', 'otp']), (req) => { req.auth.claims })
// @ts-expect-error: a value of a claim is JSON
requireClaim('since', new Date())
app.get('/', requireAuth(latchkey), requireRecent({ maxAge: 300, acr: ['phr', 'aal2'] }), (req) => { req.auth.authentication?.at })
// @ts-expect-error: maxAge is required
requireRecent({ acr: 'aal2' })
// @ts-expect-error: csrf is no flag
requireAuth(latchkey, { csrf: true })
`

const fastify = `${start}
import fastify, { type FastifyRequest } from 'fastify'
import plugin, { type Auth, authOf, optionalAuthOf, requireAuth, requireRole } from 'latchkey/fastify'

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

app.get('/', { onRequest: requireAuth(latchkey, { optional: true }) }, async (request) => { same<typeof request.auth, Auth | undefined>(true) })
// @ts-expect-error: a guest has no identity
app.get('/', { onRequest: requireAuth(latchkey, { optional: true }) }, async (request) => request.auth.subject)
app.route({ method: 'GET', url: '/', preHandler: requireAuth(latchkey, { optional: true }), handler: async ({ auth }) => auth?.subject })

await app.register(plugin, { latchkey, cookie: 'token', close: true })
app.get('/', { onRequest: app.authenticate }, async (request, reply) => {
  reply.code(200)
  return request.auth.subject
})
app.get('/', { onRequest: [app.authenticate, requireRole('a')] }, async ({ auth }) => auth.subject)
app.get('/', { onRequest: app.authenticateOptional }, async (request) => { same<typeof request.auth, Auth | undefined>(true) })
app.addHook('onRequest', app.authenticate)
app.get('/posts', async (request) => optionalAuthOf(request)?.subject)
// @ts-expect-error: the instance is missing
app.register(plugin, { cookie: 'token' })
requireAuth(latchkey, { onRefusal: (error, request, reply) => reply.redirect(error.code + request.url) })
`

const others = `${start}
import { Hono } from 'hono'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { authenticate as authenticateFetch, requireAuth as guardHandler } from 'latchkey/fetch'
import { keyPair, sharedSecret, tenantSecrets, type TenantSecrets } from 'latchkey'
import { requireAuth, requireRole } from 'latchkey/hono'
import { memoryStore } from 'latchkey/memory'
import { authenticate, requireAuth as guardListener, sendProblem } from 'latchkey/node'

const app = new Hono()
app.get('/users/:id', requireAuth(latchkey), requireRole('a'), (c) => {
  const id: string = c.req.param('id')
  return c.json({ id, subject: c.get('auth').subject, same: c.var.auth.subject })
})
// @ts-expect-error: no guard
app.get('/', (c) => c.text(c.var.auth.subject))

app.get('/', requireAuth(latchkey, { optional: true }), (c) => c.text(c.get('auth')?.subject ?? 'guest'))
// @ts-expect-error: a guest has no identity
app.get('/', requireAuth(latchkey, { optional: true }), (c) => c.text(c.get('auth').subject))
app.get('/', requireAuth(latchkey, { optional: true }), requireRole('a'), (c) => c.text(c.get('auth').subject))
app.get('/', requireAuth(latchkey, { onRefusal: (error, c) => c.redirect(error.code) }), (c) => c.text('in'))

createHttp2Server(async (req, res) => { sendProblem(res, await authenticate(latchkey, req, { header: 'x-access-token' })) })
createServer(async (req, res) => { sendProblem(res, await authenticate(latchkey, req, { cookie: 'token' })) })
createServer(guardListener(latchkey, (_req, res, auth) => res.writeHead(200).end(auth.subject)))
createHttp2Server(guardListener(latchkey, (_req, res, auth) => res.end(auth.subject)))
createServer(guardListener(latchkey, (_req, res, auth) => res.end(auth?.subject), { optional: true }))
// @ts-expect-error: a guest has no identity
createServer(guardListener(latchkey, (_req, res, auth) => res.end(auth.subject), { optional: true }))
export async function subjectOf(req: IncomingMessage, request: Request): Promise<string | undefined> {
  const auth = await authenticate(latchkey, req)
  const guest = await authenticate(latchkey, req, { optional: true })
  const web = await authenticateFetch(latchkey, request, { optional: true, query: true })
  // @ts-expect-error: a guest has no identity
  guest.subject
  return auth.subject ?? guest?.subject ?? web?.subject
}
// @ts-expect-error: a plain request has no parsed body
authenticate(latchkey, { headers: {} }, { body: true })
export const handle: (request: Request, environment: { name: string }) => Promise<Response> = guardHandler(
  latchkey,
  (_request, auth, environment) => Response.json([auth.subject, environment.name]),
)

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

const koa = `${start}
import Koa from 'koa'
import { type Auth, answerRefusals, authOf, requireAuth, requireRole } from 'latchkey/koa'

const app = new Koa()
app.use(answerRefusals()).use(requireAuth(latchkey)).use((ctx) => { same<typeof ctx.state.auth, Auth>(true) })
new Koa().use(requireAuth(latchkey, { optional: true })).use((ctx) => { same<typeof ctx.state.auth, Auth | undefined>(true) })
new Koa().use(requireAuth(latchkey)).use(requireRole('a')).use((ctx) => { ctx.body = ctx.state.auth.subject })
app.use((ctx) => { ctx.body = authOf(ctx.state).subject })
app.use(requireAuth(latchkey, { onRefusal: (error, ctx) => ctx.redirect(error.code) }))
`

const hapi = `${start}
import Hapi from '@hapi/hapi'
import plugin, { type HapiGuardOptions, authOf, optionalAuthOf, requireRole, requireScope, scheme } from 'latchkey/hapi'

const server = Hapi.server()
const options: HapiGuardOptions = { latchkey, cookie: 'token', onRefusal: (error, _request, h) => h.redirect(error.code) }
export async function start(): Promise<void> {
  await server.register(plugin)
  server.auth.scheme('bearer', scheme)
  server.auth.strategy('token', 'latchkey', options)
  server.auth.default('token')
  server.route({ method: 'GET', path: '/', handler: (request) => authOf(request).subject })
  server.route({
    method: 'GET',
    path: '/posts',
    options: { auth: { mode: 'optional' }, pre: [requireRole('a')], ext: { onCredentials: { method: requireScope('b') } } },
    handler: (request) => optionalAuthOf(request)?.subject ?? null,
  })
}
// @ts-expect-error: a route has the mode
const wrong: HapiGuardOptions = { latchkey, optional: true }
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
    const texts = { 'express.ts': express, 'fastify.ts': fastify, 'hapi.ts': hapi, 'koa.ts': koa, 'others.ts': others }
    expect(compileTypeScript(texts)).toEqual([])
  })

  it('are the same with the types of Express 4', () => {
    const types = 'node_modules/@types/express4'
    const core = 'node_modules/@types/express-serve-static-core/index.d.ts'
    expect(existsSync(`${types}/${core}`)).toBe(true)
    // A pattern has parameters of its own only in the types of Express 5.
    const text = express.replace(/^app\.get\(\/\^.*$/m, '')
    const substitutes = { express: `${types}/index.d.ts`, 'express-serve-static-core': `${types}/${core}` }
    expect(compileTypeScript({ 'express.ts': text }, substitutes)).toEqual([])
  })

  it('are the same with the types of Fastify 4', () => {
    const substitutes = { fastify: 'node_modules/fastify4/fastify.d.ts' }
    expect(compileTypeScript({ 'fastify.ts': fastify }, substitutes)).toEqual([])
  })

  it('are compatible with the auth property of another library', () => {
    expect(compileTypeScript({ 'beside.ts': beside })).toEqual([])
  })
})
