import { webcrypto } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import { serve } from '@hono/node-server'
import { fromNodeHeaders } from 'better-auth/node'
import express from 'express'
import { expressjwt, type Request as JwtRequest } from 'express-jwt'
import fastify, { type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { decode, verify } from 'hono/jwt'
import type { Latchkey } from 'latchkey'
import { requireAuth as expressAuth } from 'latchkey/express'
import { requireAuth as fastifyAuth } from 'latchkey/fastify'
import { requireAuth as honoAuth } from 'latchkey/hono'
import { audience, issuer, tokenType } from '../population.js'
import { emptyRoute, type Framework, type Route, sessionRoute, type TokenKind, versionRoute } from './messages.js'
import type { SessionCheck } from './sessions.js'
import type { PeerKeys } from './tokens.js'
import type { VersionCheck } from './versions.js'

/** What the applications are made of. */
export interface Parts {
  readonly latchkey: Latchkey
  /** Somebody, another one each time: what a guarded route answers with, for those that do not know who asks. */
  readonly anybody: () => string
  readonly keys: PeerKeys
  readonly versions: VersionCheck
  readonly sessions: SessionCheck
}

/** A running application, and what its routes are. */
export interface Application {
  readonly port: number
  readonly routes: readonly Route[]
}

/** Each framework's application: the same answer behind different guards, each written as its documentation says. */
export const applications: Readonly<Record<Framework, (parts: Parts) => Promise<Application>>> = {
  express: startExpress,
  fastify: startFastify,
  hono: startHono,
}

function routes(peer: string, takes: TokenKind = 'tenant'): readonly Route[] {
  return [
    { path: '/open', name: 'open', takes: 'none' },
    { path: '/empty', name: emptyRoute, takes: 'none' },
    { path: '/latchkey', name: 'Latchkey', takes: 'tenant' },
    { path: '/peer', name: peer, takes },
    { path: '/version', name: versionRoute, takes: 'versioned' },
    { path: '/session', name: sessionRoute, takes: 'session' },
  ]
}

function bearerOf(header: string | undefined): string {
  return header?.startsWith('Bearer ') === true ? header.slice(7) : ''
}

async function startExpress({ latchkey, anybody, keys, versions, sessions }: Parts): Promise<Application> {
  const app = express().disable('x-powered-by').disable('etag')
  const guard = expressjwt({
    secret: async (_req, token) => keys.secretOf(token?.header.kid).keyObject,
    algorithms: ['HS256'],
    issuer,
    audience,
    clockTolerance: 5,
  })
  app.get('/open', (_req, res) => void res.json({ id: anybody() }))
  app.get(
    '/empty',
    (_req, _res, next) => next(),
    (_req, res) => void res.json({ id: anybody() }),
  )
  app.get('/latchkey', expressAuth(latchkey), (req, res) => void res.json({ id: req.auth.subject }))
  app.get('/peer', guard, (req: JwtRequest, res) => void res.json({ id: req.auth?.sub }))
  const checked = (check: (req: express.Request) => Promise<string>): express.RequestHandler => {
    return async (req, res) => {
      const id = await check(req).catch(() => undefined)
      if (id === undefined) res.status(401).end()
      else res.json({ id })
    }
  }
  app.get(
    '/version',
    checked((req) => versions.check(bearerOf(req.headers.authorization))),
  )
  app.get(
    '/session',
    checked((req) => sessions.check(fromNodeHeaders(req.headers))),
  )
  app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(401).end()
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return { port: portOf(server.address()), routes: routes('express-jwt') }
}

async function startFastify({ latchkey, anybody, keys, versions, sessions }: Parts): Promise<Application> {
  const app = fastify()
  await app.register(fastifyJwt, {
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
  })
  app.get('/open', async () => ({ id: anybody() }))
  app.get('/empty', { onRequest: (_request, _reply, done) => done() }, async () => ({ id: anybody() }))
  app.get('/latchkey', { onRequest: fastifyAuth(latchkey) }, async (request) => ({ id: request.auth.subject }))
  app.get('/peer', { onRequest: (request) => request.jwtVerify() }, async (request) => ({
    id: (request.user as { sub: string }).sub,
  }))
  app.get('/version', async (request, reply) => {
    const id = await versions.check(bearerOf(request.headers.authorization)).catch(() => undefined)
    return id === undefined ? reply.code(401).send() : { id }
  })
  app.get('/session', async (request, reply) => {
    const id = await sessions.check(fromNodeHeaders(request.headers)).catch(() => undefined)
    return id === undefined ? reply.code(401).send() : { id }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: portOf(app.server.address()), routes: routes('@fastify/jwt') }
}

async function startHono({ latchkey, anybody, keys, versions, sessions }: Parts): Promise<Application> {
  const cryptoKeys = new Map<string, Promise<webcrypto.CryptoKey>>()
  const imported = (kid: string | undefined): Promise<webcrypto.CryptoKey> => {
    const known = cryptoKeys.get(String(kid))
    if (known !== undefined) return known
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = webcrypto.subtle.importKey('raw', keys.secretOf(kid).bytes, hmac, false, ['verify'])
    cryptoKeys.set(String(kid), key)
    return key
  }
  // hono/jwt's own middleware takes one secret for all; its functions serve for one a user.
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
  const app = new Hono()
  app.get('/open', (c) => c.json({ id: anybody() }))
  app.get(
    '/empty',
    (_c, next) => next(),
    (c) => c.json({ id: anybody() }),
  )
  app.get('/latchkey', honoAuth(latchkey), (c) => c.json({ id: c.get('auth').subject }))
  app.get('/peer', guard, (c) => c.json({ id: c.get('subject') }))
  app.get('/version', async (c) => {
    const id = await versions.check(bearerOf(c.req.header('authorization'))).catch(() => undefined)
    return id === undefined ? c.body(null, 401) : c.json({ id })
  })
  app.get('/session', async (c) => {
    const id = await sessions.check(c.req.raw.headers).catch(() => undefined)
    return id === undefined ? c.body(null, 401) : c.json({ id })
  })
  const port = await new Promise<number>((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
  })
  return { port, routes: routes('hono/jwt', 'jwt') }
}

function portOf(address: unknown): number {
  return (address as { port: number }).port
}
