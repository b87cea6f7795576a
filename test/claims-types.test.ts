import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const start = `
import { type Auth, createLatchkey, type KeySource, type Latchkey } from 'latchkey'
import * as z from 'zod'

declare const keys: KeySource
const options = { issuer: 'https://auth.example', audience: 'api', keys }
const claims = z.object({ plan: z.enum(['free', 'pro']), since: z.iso.date().transform((text) => new Date(text)) })
type AppClaims = z.infer<typeof claims>
const latchkey = createLatchkey({ ...options, claims })
type Plan = 'free' | 'pro'
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}
`

const library = `${start}
import { type } from 'arktype'
import { type ClaimsSchema, type LatchkeyOptions } from 'latchkey'
import { createTestLatchkey } from 'latchkey/testing'
import * as v from 'valibot'

latchkey.issue({ subject: 'ada', claims: { plan: 'pro', since: '2026-01-01' } })
// @ts-expect-error: no such plan
latchkey.issue({ subject: 'ada', claims: { plan: 'gold', since: '2026-01-01' } })
// @ts-expect-error: the input is a text
latchkey.issue({ subject: 'ada', claims: { plan: 'pro', since: new Date() } })
// @ts-expect-error: a claim is missing
latchkey.issue({ subject: 'ada', claims: { plan: 'pro' } })
// @ts-expect-error: all claims are missing
latchkey.issue({ subject: 'ada' })
export async function read(token: string): Promise<Date> {
  const auth = await latchkey.verify(token)
  same<typeof auth, Auth<AppClaims>>(true)
  same<typeof auth.claims.plan, Plan>(true)
  same<typeof auth.claims.iss, string>(true)
  // @ts-expect-error: the schema has no such claim
  auth.claims.other
  // @ts-expect-error: claims are frozen
  auth.claims.plan = 'free'
  latchkey.watch(auth, () => {})
  return auth.claims.since
}

const optional = createLatchkey({ ...options, claims: z.object({ locale: z.string().default('en') }) })
optional.issue({ subject: 'ada' })
export const locale = async (token: string): Promise<string> => (await optional.verify(token)).claims.locale

const byValibot = createLatchkey({ ...options, claims: v.object({ plan: v.picklist(['free', 'pro']) }) })
byValibot.issue({ subject: 'ada', claims: { plan: 'pro' } })
// @ts-expect-error: no such plan
byValibot.issue({ subject: 'ada', claims: { plan: 'gold' } })
export const plan = async (token: string): Promise<Plan> => (await byValibot.verify(token)).claims.plan

const byArkType = createLatchkey({ ...options, claims: type({ plan: "'free' | 'pro'" }) })
byArkType.issue({ subject: 'ada', claims: { plan: 'pro' } })
// @ts-expect-error: no such plan
byArkType.issue({ subject: 'ada', claims: { plan: 'gold' } })
export const same_plan = async (token: string): Promise<Plan> => (await byArkType.verify(token)).claims.plan

// @ts-expect-error: the claims are an object
createLatchkey({ ...options, claims: z.string() })
// @ts-expect-error: no schema
createLatchkey({ ...options, claims: { plan: 'string' } })

interface Named { readonly plan: Plan }
declare const named: ClaimsSchema<Named, Named>
const withInterface: Latchkey<Named> = createLatchkey({ ...options, claims: named })
withInterface.issue({ subject: 'ada', claims: { plan: 'pro' } })
// @ts-expect-error: no such plan
withInterface.issue({ subject: 'ada', claims: { plan: 'gold' } })
export const general: Latchkey = latchkey
export const generalNamed: Latchkey = withInterface
// @ts-expect-error: no schema has checked the claims
export const unchecked: Latchkey<Named> = createLatchkey(options)
// @ts-expect-error: the claims are others
export const other: Latchkey<{ readonly seats: number }> = withInterface
const untyped: LatchkeyOptions = { ...options, claims }
export const fromOptions: Latchkey = createLatchkey(untyped)
export const anyClaims = async (token: string): Promise<unknown> => (await fromOptions.verify(token)).claims.plan

const test = createTestLatchkey({ claims })
test.tokenFor('ada', { claims: { plan: 'pro', since: '2026-01-01' } })
// @ts-expect-error: no such plan
test.tokenFor('ada', { claims: { plan: 'gold', since: '2026-01-01' } })
createTestLatchkey().tokenFor('ada', { claims: { plan: 7 } })
`

const express = `${start}
import express, { type RequestHandler, type Response } from 'express'
import { type AuthenticatedRequest, authOf, optionalAuthOf, requireAuth, requireRole } from 'latchkey/express'

const app = express()
app.get('/', requireAuth(latchkey), (req) => { same<typeof req.auth, Auth>(true); same<typeof req.auth.claims.plan, unknown>(true) })
app.get('/', requireAuth(latchkey), requireRole('a'), (req) => authOf<AppClaims>(req).claims.since.getTime())
app.get('/', requireAuth(latchkey, { optional: true }), (req) => optionalAuthOf<AppClaims>(req)?.claims.since.getTime())
app.get('/', requireAuth(latchkey), (req) => {
  const { claims } = authOf<AppClaims>(req)
  same<typeof claims.plan, Plan>(true)
  // @ts-expect-error: the schema has no such claim
  claims.other
})
app.use(requireAuth(latchkey))
app.get('/posts', (req) => [authOf(req).claims.plan, authOf<AppClaims>(req).claims.since])

const handler = (req: AuthenticatedRequest<{ id: string }, AppClaims>, res: Response) => { res.json([req.params.id, req.auth.claims.since]) }
app.get('/users/:id', requireAuth(latchkey), handler)
app.get('/users/:id', requireAuth(latchkey), requireRole('a'), (req: AuthenticatedRequest<{ id: string }, AppClaims>) => req.auth.claims.since)
express.Router().route('/users/:id').get(requireAuth(latchkey), handler)
// @ts-expect-error: no guard
app.get('/users/:id', handler)
// @ts-expect-error: there may be no identity
app.get('/users/:id', requireAuth(latchkey, { optional: true }), handler)

// A generic function before a route without a guard leaves the types of the route alone.
declare function validate<Body>(schema: { parse(body: unknown): Body }): RequestHandler<{ id: string }, unknown, Body>
app.post('/users/:id', validate(claims), (req) => { same<typeof req.body, AppClaims>(true) })
app.post('/users/:id', requireAuth(latchkey), validate(claims), (req) => req.auth.subject)
`

const fastify = `${start}
import fastify from 'fastify'
import plugin, { authOf, requireAuth, requireRole } from 'latchkey/fastify'

const app = fastify()
app.get('/', { onRequest: requireAuth(latchkey) }, async (request) => {
  same<typeof request.auth, Auth<AppClaims>>(true)
  return request.auth.claims.since
})
app.get('/', { onRequest: [requireAuth(latchkey), requireRole('a')] }, async ({ auth }) => { same<typeof auth.claims.plan, Plan>(true) })
app.get('/', { preHandler: requireAuth(latchkey, { optional: true }) }, async ({ auth }) => { same<typeof auth, Auth<AppClaims> | undefined>(true) })
app.route({ method: 'GET', url: '/', onRequest: requireAuth(latchkey), handler: async ({ auth }) => { same<typeof auth.claims.plan, Plan>(true) } })
app.route({ method: 'GET', url: '/', preHandler: [requireAuth(latchkey, { optional: true }), requireRole('a')], handler: async ({ auth }) => { same<typeof auth, Auth<AppClaims> | undefined>(true) } })
// @ts-expect-error: the schema has no such claim
app.get('/', { onRequest: requireAuth(latchkey) }, async (request) => request.auth.claims.other)
app.get<{ Params: { id: string } }>('/users/:id', { onRequest: requireAuth(latchkey) }, async (request) => {
  same<typeof request.params.id, string>(true)
  return [request.auth.subject, authOf<AppClaims>(request).claims.since]
})
await app.register(plugin, { latchkey })
app.get('/', { onRequest: app.authenticate }, async (request) => authOf<AppClaims>(request).claims.since)
`

const others = `${start}
import { initTRPC } from '@trpc/server'
import Hapi from '@hapi/hapi'
import { type CanActivate, Controller, type ExecutionContext, Get } from '@nestjs/common'
import { createSchema, createYoga } from 'graphql-yoga'
import { Hono } from 'hono'
import Koa from 'koa'
import { authenticate as authenticateFetch, requireAuth as guardHandler, requireRole } from 'latchkey/fetch'
import { authOf as authOfHapi, type HapiGuardOptions } from 'latchkey/hapi'
import { requireAuth as guardHono, requireRole as requireRoleHono } from 'latchkey/hono'
import { josePair } from 'latchkey/interop'
import { requireAuth as guardKoa, requireRole as requireRoleKoa } from 'latchkey/koa'
import { authOf as authOfNest, CurrentAuth, InjectLatchkey, LatchkeyModule } from 'latchkey/nest'
import { serverAuth, withAuth } from 'latchkey/next'
import { authenticate, requireAuth as guardListener } from 'latchkey/node'
import { type AuthData, guardNamespace } from 'latchkey/socketio'
import { authProcedure, createAuthContext, requireRole as requireRoleTrpc } from 'latchkey/trpc'
import { authOf as authOfSocket, guardUpgrades, requireRole as requireRoleSocket } from 'latchkey/ws'
import { type AuthContext, requireScope, useLatchkey } from 'latchkey/yoga'
import { headers } from 'next/headers'
import { createServer, type IncomingMessage } from 'node:http'
import { type DefaultEventsMap, Server } from 'socket.io'
import { WebSocketServer } from 'ws'

const hono = new Hono()
hono.get('/', guardHono(latchkey), (c) => { same<typeof c.var.auth, Auth<AppClaims>>(true); return c.json(c.get('auth').claims.since.getTime()) })
hono.get('/', guardHono(latchkey), requireRoleHono('a'), (c) => c.json(c.get('auth').claims.since.getTime()))
hono.get('/', guardHono(latchkey, { optional: true }), (c) => c.json(c.get('auth')?.claims.since.getTime()))
// @ts-expect-error: the schema has no such claim
hono.get('/', guardHono(latchkey), (c) => c.json(c.get('auth').claims.other))

new Koa().use(guardKoa(latchkey)).use((ctx) => { same<typeof ctx.state.auth, Auth<AppClaims>>(true) })
new Koa().use(guardKoa(latchkey)).use(requireRoleKoa('a')).use((ctx) => { ctx.body = ctx.state.auth.claims.since.getTime() })

createServer(guardListener(latchkey, (_req, res, auth) => { same<typeof auth, Auth<AppClaims>>(true); res.end(auth.claims.plan) }))
createServer(guardListener(latchkey, (_req, res, auth) => res.end(auth?.claims.plan), { optional: true }))
export const handle: (request: Request) => Promise<Response> = guardHandler(latchkey, (_request, auth) => {
  same<typeof auth, Auth<AppClaims>>(true)
  return Response.json(auth.claims.since.getTime())
})
export async function dates(req: IncomingMessage, request: Request): Promise<readonly (Date | undefined)[]> {
  const auth = await authenticate(latchkey, req)
  same<typeof auth, Auth<AppClaims>>(true)
  const guest = await authenticateFetch(latchkey, request, { optional: true })
  return [requireRole('editor')(auth).claims.since, guest?.claims.since]
}

export const GET = withAuth(latchkey, (_request, { auth }) => { same<typeof auth, Auth<AppClaims>>(true); return Response.json(auth.claims.plan) })
export const readAuth: () => Promise<Auth<AppClaims>> = serverAuth(latchkey, headers)

const hapi = Hapi.server()
export const hapiOptions: HapiGuardOptions = { latchkey }
hapi.route({ method: 'GET', path: '/', handler: (request) => authOfHapi<AppClaims>(request).claims.since.getTime() })

const createContext = createAuthContext(latchkey)
const t = initTRPC.context<typeof createContext>().create()
export const router = t.router({
  me: t.procedure.concat(authProcedure<AppClaims>(requireRoleTrpc('editor'))).query(({ ctx }) => { same<typeof ctx.auth, Auth<AppClaims>>(true); return ctx.auth.claims.plan }),
  any: t.procedure.concat(authProcedure()).query(({ ctx }) => ctx.auth.claims.plan),
  who: t.procedure.query(async ({ ctx }) => (await ctx.authenticate()).claims.plan),
})
// @ts-expect-error: the context has other claims
t.procedure.concat(authProcedure<{ readonly seats: number }>()).query(({ ctx }) => ctx.auth.claims.seats)

const schema = createSchema<AuthContext<AppClaims>>({
  typeDefs: 'type Query { plan: String! }',
  resolvers: { Query: { plan: (_root, _args, { auth }) => requireScope('a')(auth).claims.plan } },
})
createYoga({ schema, plugins: [useLatchkey(latchkey)] })

const sockets = new WebSocketServer({ noServer: true })
createServer().on('upgrade', guardUpgrades(latchkey, sockets, { checks: [requireRoleSocket('admin')] }))
sockets.on('connection', (socket, request) => socket.send(authOfSocket<AppClaims>(request).claims.plan))
const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, AuthData<AppClaims>>()
guardNamespace(latchkey, io)
io.on('connection', (socket) => socket.emit('plan', socket.data.auth.claims.plan))

export class OwnerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return authOfNest<AppClaims>(context).claims.plan === 'pro'
  }
}
@Controller()
export class MeController {
  constructor(@InjectLatchkey() private readonly issuer: Latchkey<AppClaims, z.input<typeof claims>>) {}
  @Get() me(@CurrentAuth() { claims }: Auth<AppClaims>) {
    this.issuer.issue({ subject: 'ada', claims: { plan: 'pro', since: '2026-01-01' } })
    return claims.since.getTime()
  }
}
LatchkeyModule.forRoot({ latchkey })
LatchkeyModule.forRoot({ latchkey: { ...options, claims } })

josePair(latchkey, { verifyingKey: keys.verifyingKey })
`

describe('the types of claims with a schema', () => {
  it('are those of the schema, in issue, verify and the handlers of each framework', () => {
    const texts = { library, express, fastify, others }
    const files = Object.entries(texts).map(([name, text]) => [`test/claims.${name}.ts`, text])
    expect(compileTypeScript(Object.fromEntries(files))).toEqual([])
  })

  it('are the same with the types of Express 4 and of Fastify 4', () => {
    const types = 'node_modules/@types/express4'
    const core = 'node_modules/@types/express-serve-static-core/index.d.ts'
    expect(existsSync(`${types}/${core}`)).toBe(true)
    const substitutes = {
      express: `${types}/index.d.ts`,
      'express-serve-static-core': `${types}/${core}`,
      fastify: 'node_modules/fastify4/fastify.d.ts',
    }
    expect(
      compileTypeScript({ 'test/claims.express.ts': express, 'test/claims.fastify.ts': fastify }, substitutes),
    ).toEqual([])
  })
})
