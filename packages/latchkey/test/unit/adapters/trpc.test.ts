import type { AddressInfo } from 'node:net'
import { createTRPCClient, createWSClient, httpLink, wsLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type AuthContext,
  authProcedure,
  type ContextRequest,
  createAuthContext,
  refusalMeta,
  requireClaim,
  requireRole,
  requireScope,
  toTRPCError,
} from '../../../src/adapters/trpc/index.js'
import { isLatchkeyError, refusal } from '../../../src/errors.js'
import { cleanUpsOfEachTest } from '../../support/clean-ups.js'
import { setUp } from '../../support/setup.js'
import { claim, scopes } from './applications/application.js'
import { describeTable, optionsOf, paths } from './web-table.js'

const cleanUps = cleanUpsOfEachTest()

const t = initTRPC.context<AuthContext>().create({
  isDev: false,
  errorFormatter: ({ shape, error }) => ({
    ...shape,
    data: { ...shape.data, reason: isLatchkeyError(error.cause) ? error.cause.code : undefined },
  }),
})
const authed = t.procedure.concat(authProcedure())
const scoped = t.procedure.concat(authProcedure(requireScope(...scopes)))
const editors = t.procedure.concat(authProcedure(requireRole('editor')))
const planned = t.procedure.concat(authProcedure(requireClaim(...claim)))
const mixed = t.procedure.use(async ({ ctx, next }) => next({ ctx: { auth: await ctx.authenticate() } }))

const router = t.router({
  me: authed.query(({ ctx }) => ctx.auth.subject),
  change: authed.mutation(({ ctx }) => ctx.auth.subject),
  scoped: scoped.query(({ ctx }) => ctx.auth.subject),
  role: editors.query(({ ctx }) => ctx.auth.subject),
  claim: planned.query(({ ctx }) => ctx.auth.subject),
  optional: mixed.query(({ ctx }) => ctx.auth?.subject ?? null),
  changeAsGuest: mixed.mutation(({ ctx }) => ctx.auth?.subject ?? null),
  open: t.procedure.query(() => 'open'),
  publish: authed
    .input((input: unknown) => input as { readonly title: string })
    .mutation(({ ctx, input }) => `${input.title} by ${ctx.auth.subject}`),
  mistake: authed.query((): string => {
    throw new Error('a mistake of the procedure')
  }),
})

describeTable('authProcedure of tRPC', {
  start(latchkey) {
    const contexts = new Map(paths.map((path) => [path as string, createAuthContext(latchkey, optionsOf(path))]))
    const queries: Readonly<Record<string, string>> = {
      '/scoped': 'scoped',
      '/role': 'role',
      '/optional-role': 'role',
      '/claim': 'claim',
      '/optional': 'optional',
      '/throws': 'mistake',
    }
    return ({ url, method, headers, signal }) => {
      const { pathname, search } = new URL(url)
      const mutation = pathname === '/optional' ? 'changeAsGuest' : 'change'
      const isRead = method === 'GET'
      const procedure = isRead ? (queries[pathname] ?? 'me') : mutation
      const sent = new Headers(headers)
      // tRPC takes the input of a mutation as JSON, and no form.
      if (!isRead) sent.set('content-type', 'application/json')
      return fetchRequestHandler({
        endpoint: '/trpc',
        req: new Request(`http://127.0.0.1/trpc/${procedure}${search}`, {
          method,
          headers: sent,
          signal,
          ...(isRead ? {} : { body: '{}' }),
        }),
        router,
        createContext: contexts.get(pathname) ?? createAuthContext(latchkey),
        responseMeta: refusalMeta,
      })
    }
  },
  read: (body) => {
    const { result, error } = body as { result?: { data: string }; error?: { data: { reason?: string } } }
    return { subject: result?.data, code: error?.data.reason }
  },
  mistake: 500,
})

/** Starts the router on `node:http` with WebSockets, and returns clients of both. */
async function start(createContext: (call: ContextRequest) => AuthContext) {
  const server = createHTTPServer({ router, createContext, responseMeta: refusalMeta })
  const sockets = new WebSocketServer({ server })
  const handler = applyWSSHandler({ wss: sockets, router, createContext })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    handler.broadcastReconnectNotification()
    for (const client of sockets.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    overHttp: (headers: Record<string, string>) =>
      createTRPCClient<typeof router>({ links: [httpLink({ url: `http://127.0.0.1:${port}`, headers })] }),
    overWebSocket: (connectionParams: Record<string, string>) => {
      const client = createWSClient({
        url: `ws://127.0.0.1:${port}`,
        WebSocket: WebSocket as never,
        connectionParams,
        retryDelayMs: () => 60_000,
      })
      cleanUps.push(() => client.close())
      return createTRPCClient<typeof router>({ links: [wsLink({ client })] })
    },
  }
}

/** Returns the result of a call, or the code of tRPC and the code of the failure. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error) => `${error.data?.code} ${error.data?.reason}`)
}

describe('a router of tRPC', () => {
  it('accepts the token of a request of node:http, and refuses with the code of tRPC', async () => {
    const { latchkey } = setUp()
    const { overHttp, port } = await start(createAuthContext(latchkey))
    const { token } = await latchkey.issue({ subject: 'alice' })
    const alice = overHttp({ authorization: `Bearer ${token}` })
    expect(await outcomeOf(alice.me.query())).toBe('alice')
    expect(await outcomeOf(alice.role.query())).toBe('FORBIDDEN insufficient_role')
    expect(await outcomeOf(overHttp({}).me.query())).toBe('UNAUTHORIZED credentials_missing')
    expect(await outcomeOf(overHttp({}).open.query())).toBe('open')
    const refused = await fetch(`http://127.0.0.1:${port}/me`)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  })

  it('refuses a mutation that another site has caused with the cookie', async () => {
    const { latchkey } = setUp()
    const { overHttp, port } = await start(createAuthContext(latchkey, { cookie: 'token' }))
    const { token } = await latchkey.issue({ subject: 'alice' })
    const from = (origin: string) => overHttp({ cookie: `token=${token}`, origin })
    expect(await outcomeOf(from('https://evil.example').change.mutate())).toBe('FORBIDDEN csrf_refused')
    expect(await outcomeOf(from(`http://127.0.0.1:${port}`).change.mutate())).toBe('alice')
  })

  it('leaves the body to the procedure', async () => {
    const { latchkey } = setUp()
    const { overHttp } = await start(createAuthContext(latchkey))
    const { token } = await latchkey.issue({ subject: 'alice' })
    const alice = overHttp({ authorization: `Bearer ${token}` })
    expect(await outcomeOf(alice.publish.mutate({ title: 'News' }))).toBe('News by alice')
  })

  it('verifies the token of a WebSocket again for each call', async () => {
    const { latchkey, keys } = setUp()
    const { overWebSocket } = await start(createAuthContext(latchkey))
    const { token } = await latchkey.issue({ subject: 'alice' })
    const alice = overWebSocket({ token })
    expect(await outcomeOf(alice.me.query())).toBe('alice')
    await keys.revoke('alice')
    expect(await outcomeOf(alice.me.query())).toBe('UNAUTHORIZED token_revoked')
    expect(await outcomeOf(overWebSocket({}).me.query())).toBe('UNAUTHORIZED credentials_missing')
  })

  it('reads the connectionParams of a URL only where the query is a source', async () => {
    const { latchkey } = setUp()
    const { token } = await latchkey.issue({ subject: 'alice' })
    const connectionParams = encodeURIComponent(JSON.stringify({ token }))
    const statuses = [createAuthContext(latchkey), createAuthContext(latchkey, { query: true })].map(
      async (createContext) => {
        const { port } = await start(createContext)
        return (await fetch(`http://127.0.0.1:${port}/me?connectionParams=${connectionParams}`)).status
      },
    )
    expect(await Promise.all(statuses)).toEqual([401, 200])
  })

  it('lets a guest call a procedure without a guard, and refuses a wrong token', async () => {
    const { latchkey } = setUp()
    const createContext = createAuthContext(latchkey, { optional: true })
    const call = (authorization?: string) =>
      t.createCallerFactory(router)(
        createContext({ req: { headers: { authorization } }, info: { connectionParams: null } }),
      )
    expect(await call().optional()).toBeNull()
    await expect(call().me()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(call('Bearer garbage').optional()).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      cause: { code: 'token_malformed' },
    })
  })
})

describe('the errors of tRPC', () => {
  it('have a code by the status of the failure, and the failure as cause', () => {
    const error = refusal('store_unavailable')
    expect(toTRPCError(error)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', cause: error })
    expect(toTRPCError(refusal('tenant_unknown'))).toMatchObject({ code: 'NOT_FOUND' })
    const other = new Error('other')
    expect(toTRPCError(other)).toBe(other)
  })

  it('show a wrong use at once', () => {
    expect(() => Reflect.apply(authProcedure, undefined, ['editor'])).toThrow(TypeError)
    expect(() => Reflect.apply(createAuthContext, undefined, [undefined])).toThrow(TypeError)
  })
})
