import { describe, expect, it } from 'vitest'
import { compileTypeScript } from './support/compile-typescript.js'

const start = `
declare const latchkey: import('latchkey').Latchkey
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}
`

const sockets = `${start}
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { authOf, guardUpgrades, sameOrigin } from 'latchkey/ws'
import { WebSocket, WebSocketServer } from 'ws'

class Client extends WebSocket { readonly room = 'hall' }
const plain = new WebSocketServer({ noServer: true })
const own = new WebSocketServer({ noServer: true, WebSocket: Client })
createServer().on('upgrade', guardUpgrades(latchkey, plain))
createSecureServer().on('upgrade', guardUpgrades(latchkey, own, { cookie: 'a', csrf: sameOrigin(), maxPending: 9 }))
plain.on('connection', (_socket, request) => same<ReturnType<typeof authOf>['subject'], string>(authOf(request) && true))
// @ts-expect-error: a handshake has no body
guardUpgrades(latchkey, plain, { body: true })
// @ts-expect-error: a guard needs watch
guardUpgrades({ verify: latchkey.verify }, plain)
`

const socketIo = `${start}
import type { Auth } from 'latchkey'
import { type AuthData, guardNamespace } from 'latchkey/socketio'
import { type DefaultEventsMap, Server } from 'socket.io'

interface Sent { hello: (name: string) => void }
const typed = new Server<{ say: (text: string) => void }, Sent, DefaultEventsMap, AuthData>()
const plain = new Server()
guardNamespace(latchkey, plain)
guardNamespace(latchkey, typed, { cookie: 'token' })
guardNamespace(latchkey, typed.of('/admin'))
guardNamespace(latchkey, typed.of(/^\\/room/))
typed.on('connection', (socket) => {
  same<typeof socket.data.auth, Auth>(true)
  socket.emit('hello', socket.data.auth.subject)
})
// @ts-expect-error: no namespace
guardNamespace(latchkey, {})
`

const next = `${start}
import type { Auth } from 'latchkey'
import { type AuthContext, authProxy, serverAuth, withAuth } from 'latchkey/next'
import { headers } from 'next/headers'

interface NextRequest extends Request { readonly nextUrl: URL }

export const GET = withAuth(latchkey, (request, { auth, params }) => {
  same<typeof request, Request>(true)
  same<typeof auth, Auth>(true)
  return Response.json(params.then(Object.keys))
})
export const PUT = withAuth(latchkey, async (request: NextRequest, { auth, params }: AuthContext<Auth, Promise<{ id: string }>>) =>
  Response.json([request.nextUrl, auth.subject, (await params).id]))
export const POST = withAuth(latchkey, (_request, { auth }) => {
  same<typeof auth, Auth | undefined>(true)
  return Response.json({})
}, { optional: true, onRefusal: (error, request) => Response.redirect(new URL('/in', request.url)) })
type Check<Handler extends (request: NextRequest, context: { params: Promise<{ id: string }> }) => Promise<Response>> = Handler
type Checked = [Check<typeof GET>, Check<typeof PUT>, Check<typeof POST>]
// @ts-expect-error: a handler returns a response
withAuth(latchkey, () => 'text')

export const auth: () => Promise<Auth> = serverAuth(latchkey, headers, { cookie: 'token' })
export const guest: () => Promise<Auth | undefined> = serverAuth(latchkey, headers, { optional: true })
// @ts-expect-error: there may be no identity
export const wrong: () => Promise<Auth> = serverAuth(latchkey, headers, { optional: true })
export const proxy: (request: NextRequest) => Promise<Response | undefined> = authProxy(latchkey)
`

const trpc = `${start}
import { initTRPC } from '@trpc/server'
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { applyWSSHandler, type CreateWSSContextFnOptions } from '@trpc/server/adapters/ws'
import type { Auth } from 'latchkey'
import { authProcedure, createAuthContext, refusalMeta, requireRole } from 'latchkey/trpc'
import { WebSocketServer } from 'ws'

const createContext = createAuthContext(latchkey)
const t = initTRPC.context<typeof createContext>().create()
const authed = t.procedure.concat(authProcedure(requireRole('editor')))
const router = t.router({
  me: authed.query(({ ctx }) => { same<typeof ctx.auth, Auth>(true); return ctx.auth.subject }),
  // @ts-expect-error: no guard
  open: t.procedure.query(({ ctx }) => ctx.auth),
})
createHTTPServer({ router, createContext, responseMeta: refusalMeta })
createExpressMiddleware({ router, createContext, responseMeta: refusalMeta })
export const handle = (req: Request) => fetchRequestHandler({ endpoint: '/', req, router, createContext, responseMeta: refusalMeta })
applyWSSHandler({ wss: new WebSocketServer({ noServer: true }), router, createContext })

const identify = createAuthContext(latchkey, { optional: true })
const extended = async (options: CreateWSSContextFnOptions) => ({ ...identify(options), db: 'db' })
const u = initTRPC.context<typeof extended>().meta<{ page: string }>().create()
export const mixed = u.router({
  me: u.procedure.concat(authProcedure()).query(({ ctx }) => [ctx.db, ctx.auth.subject]),
  who: u.procedure.query(async ({ ctx }) => (await ctx.authenticate())?.subject),
})
`

const yoga = `${start}
import { createSchema, createYoga, type YogaInitialContext } from 'graphql-yoga'
import { type AuthContext, requireScope, useLatchkey } from 'latchkey/yoga'

const check = requireScope('a')
const schema = createSchema<AuthContext & YogaInitialContext>({
  typeDefs: 'type Query { me: ID! }',
  resolvers: { Query: { me: (_root, _args, { auth }) => check(auth).subject } },
})
createYoga({ schema, plugins: [useLatchkey(latchkey, { optional: true, cookie: 'token' })] })
createYoga<{ own: string }>({ plugins: [useLatchkey(latchkey)] })
`

describe('the types of the guards of connections and servers without routes', () => {
  it('fit those of ws, Socket.IO, Next.js, tRPC and GraphQL Yoga', () => {
    const texts = { sockets, socketIo, next, trpc, yoga }
    const files = Object.entries(texts).map(([name, text]) => [`test/types.${name}.ts`, text])
    expect(compileTypeScript(Object.fromEntries(files))).toEqual([])
  })
})
