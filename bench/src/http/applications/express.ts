import { webcrypto } from 'node:crypto'
import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt'
import { serve } from '@hono/node-server'
import { fromNodeHeaders } from 'better-auth/node'
import express from 'express'
import { expressjwt, type Request as JwtRequest } from 'express-jwt'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Context, Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { decode, verify } from 'hono/jwt'
import type { Latchkey } from 'latchkey'
import { authOf, requireAuth as expressAuth } from 'latchkey/express'
import { requireAuth as fastifyAuth } from 'latchkey/fastify'
import { requireAuth as honoAuth } from 'latchkey/hono'
import { audience, issuer, tokenType } from '../population.js'
import { emptyRoute, type Framework, type Route, sessionRoute, type TokenKind, versionRoute } from './messages.js'
import type { SessionCheck } from './sessions.js'
import type { PeerKeys } from './tokens.js'
import type { VersionCheck } from './versions.js'

/** The parts that all applications share. */
export interface Parts {
  readonly latchkey: Latchkey
  /** Returns another subject each time, in random order: the answer of routes without a guard. */
  readonly nextSubject: () => string
  readonly keys: PeerKeys
  readonly versions: VersionCheck
  readonly sessions: SessionCheck
}

/**
 * Starts the applications of a framework, one per route. All give the same answer behind different
 * guards, each written as its documentation says.
 */
export const applications: Readonly<Record<Framework, (parts: Parts) => Promise<readonly Route[]>>> = {
  express: startExpress,
  fastify: startFastify,
  hono: startHono,
}

const path = '/me'

/** Returns the routes at these ports, in the same order. */
function routesAt(ports: readonly number[], peer: string, takes: TokenKind = 'tenant'): readonly Route[] {
  const kinds = [
    { name: 'open', takes: 'none' },
    { name: emptyRoute, takes: 'none' },
    { name: 'Latchkey', takes: 'tenant' },
    { name: peer, takes },
    { name: versionRoute, takes: 'versioned' },
    { name: sessionRoute, takes: 'session' },
  ] as const
  return kinds.map((kind, at) => ({ url: `http://127.0.0.1:${ports[at]}${path}`, ...kind }))
}

function bearerOf(header: string | undefined): string {
  return header?.startsWith('Bearer ') === true ? header.slice(7) : ''
}

async function startExpress({ latchkey, nextSubject, keys, versions, sessions }: Parts): Promise<readonly Route[]> {
  const guard = expressjwt({
    secret: async (_req, token) => keys.secretOf(token?.header.kid).keyObject,
    algorithms: ['HS256'],
    issuer,
    audience,
    clockTolerance: 5,
  })
  const checked = (check: (req: express.Request) => Promise<string>): express.RequestHandler => {
    return async (req, res) => {
      const id = await check(req).catch(() => undefined)
      if (id === undefined) res.status(401).end()
      else res.json({ id })
    }
  }
  const handlers: readonly (readonly express.RequestHandler[])[] = [
    [(_req, res) => void res.json({ id: nextSubject() })],
    [(_req, _res, next) => next(), (_req, res) => void res.json({ id: nextSubject() })],
    [expressAuth(latchkey), (req, res) => void res.json({ id: authOf(req).subject })],
    [guard, (req: JwtRequest, res) => void res.json({ id: req.auth?.sub })],
    [checked((req) => versions.check(bearerOf(req.headers.authorization)))],
    [checked((req) => sessions.check(fromNodeHeaders(req.headers)))],
  ]
  const ports = handlers.map(async (ofRoute) => {
    const app = express().disable('x-powered-by').disable('etag')
    app.get(path, ...ofRoute)
    app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.status(401).end()
    })
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return portOf(server.address())
  })
  return routesAt(await Promise.all(ports), 'express-jwt')
}

async function startFastify({ latchkey, nextSubject, keys, versions, sessions }: Parts): Promise<readonly Route[]> {
  const peerOptions: FastifyJWTOptions = {
    decode: { complete: true },
    secret: async (_request: FastifyRequest, token: unknown) =>
      keys.secretOf((token as { header: { kid?: string } }).header.kid).bytes,
    verify: {
      algorithms: ['HS256'],
      allowedIss: issuer,
      allowedAud: audience,
      checkTyp: tokenType,
      clockTolerance: 5000,
    },
  }
  const checked = (check: (request: FastifyRequest) => Promise<string>) => {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const id = await check(request).catch(() => undefined)
      return id === undefined ? reply.code(401).send() : { id }
    }
  }
  const registrations: readonly ((app: FastifyInstance) => unknown)[] = [
    (app) => app.get(path, async () => ({ id: nextSubject() })),
    (app) => app.get(path, { onRequest: (_request, _reply, done) => done() }, async () => ({ id: nextSubject() })),
    (app) => app.get(path, { onRequest: fastifyAuth(latchkey) }, async (request) => ({ id: request.auth.subject })),
    async (app) => {
      await app.register(fastifyJwt, peerOptions)
      app.get(path, { onRequest: (request) => request.jwtVerify() }, async (request) => ({
        id: (request.user as { sub: string }).sub,
      }))
    },
    (app) =>
      app.get(
        path,
        checked((request) => versions.check(bearerOf(request.headers.authorization))),
      ),
    (app) =>
      app.get(
        path,
        checked((request) => sessions.check(fromNodeHeaders(request.headers))),
      ),
  ]
  const ports = registrations.map(async (register) => {
    const app = fastify()
    await register(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return portOf(app.server.address())
  })
  return routesAt(await Promise.all(ports), '@fastify/jwt')
}

async function startHono({ latchkey, nextSubject, keys, versions, sessions }: Parts): Promise<readonly Route[]> {
  const cryptoKeys = new Map<string, Promise<webcrypto.CryptoKey>>()
  const imported = (kid: string | undefined): Promise<webcrypto.CryptoKey> => {
    const known = cryptoKeys.get(String(kid))
    if (known !== undefined) return known
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = webcrypto.subtle.importKey('raw', keys.secretOf(kid).bytes, hmac, false, ['verify'])
    cryptoKeys.set(String(kid), key)
    return key
  }
  // The middleware of hono/jwt takes one shared secret; its functions work with one per user.
  const guard = createMiddleware<{ Variables: { subject: string } }>(async (c, next) => {
    try {
      const token = bearerOf(c.req.header('authorization'))
      const { header } = decode(token)
      const claims = await verify(token, await imported(header.kid), { alg: 'HS256', iss: issuer, aud: audience })
      c.set('subject', String(claims.sub))
    } catch {
      return c.body(null, 401)
    }
    await next()
    return undefined
  })
  const checked = (check: (c: Context) => Promise<string>) => async (c: Context) => {
    const id = await check(c).catch(() => undefined)
    return id === undefined ? c.body(null, 401) : c.json({ id })
  }
  const registrations: readonly ((app: Hono) => unknown)[] = [
    (app) => app.get(path, (c) => c.json({ id: nextSubject() })),
    (app) =>
      app.get(
        path,
        (_c, next) => next(),
        (c) => c.json({ id: nextSubject() }),
      ),
    (app) => app.get(path, honoAuth(latchkey), (c) => c.json({ id: c.get('auth').subject })),
    (app) => app.get(path, guard, (c) => c.json({ id: c.get('subject') })),
    (app) =>
      app.get(
        path,
        checked((c) => versions.check(bearerOf(c.req.header('authorization')))),
      ),
    (app) =>
      app.get(
        path,
        checked((c) => sessions.check(c.req.raw.headers)),
      ),
  ]
  const ports = registrations.map(async (register) => {
    const app = new Hono()
    register(app)
    return new Promise<number>((resolve) => {
      serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
    })
  })
  return routesAt(await Promise.all(ports), 'hono/jwt', 'jwt')
}

function portOf(address: unknown): number {
  return (address as { port: number }).port
}
