import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastifyJwt from '@fastify/jwt'
import { serve } from '@hono/node-server'
import { JwtService } from '@nestjs/jwt'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { expressjwt, type Request as JwtRequest } from 'express-jwt'
import { createVerifier } from 'fast-jwt'
import fastify from 'fastify'
import { Hono } from 'hono'
import { jwt as honoJwt } from 'hono/jwt'
import { jwtVerify } from 'jose'
import jwt from 'jsonwebtoken'
import passport from 'passport'
import { ExtractJwt, Strategy } from 'passport-jwt'
import {
  expressJwtPair,
  fastifyJwtPair,
  fastJwtPair,
  honoJwtPair,
  josePair,
  jsonwebtokenPair,
  nestJwtPair,
  passportJwtPair,
} from '../../../src/interop/index.js'
import type { KeySource } from '../../../src/keys/key-source.js'
import type { Latchkey } from '../../../src/latchkey-api.js'

/** The answer of a library to a token: its claims, or an error. */
export interface Answer {
  readonly claims?: unknown
  readonly error?: unknown
  /** Of a library that is middleware. */
  readonly status?: number
  readonly challenge?: string | null
}

/** A library with tenant secrets, as an application uses it. */
export interface Guard {
  verify(token: string): Promise<Answer>
  close(): Promise<void>
}

/** `use` is the whole pair, or its key look-up without the check. */
export type Start = (
  latchkey: Latchkey,
  keys: Pick<KeySource, 'verifyingKey'>,
  use: 'pair' | 'key alone',
) => Promise<Guard>

async function answerOf(claims: PromiseLike<unknown>): Promise<Answer> {
  try {
    return { claims: await claims }
  } catch (error) {
    return { error }
  }
}

const asFunction = (verify: (token: string) => PromiseLike<unknown>): Guard => ({
  verify: (token) => answerOf(verify(token)),
  close: async () => {},
})

const startJsonwebtoken: Start = async (latchkey, keys, use) => {
  const { key, options, check } = jsonwebtokenPair(latchkey, keys)
  return asFunction(
    (token) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null, claims?: unknown) => (error === null ? resolve(claims) : reject(error))
        jwt.verify(token, key, options, use === 'pair' ? check(token, done) : done)
      }),
  )
}

const startJose: Start = async (latchkey, keys, use) => {
  const { key, options, check } = josePair(latchkey, keys)
  return asFunction(async (token) => {
    const verification = jwtVerify(token, key, options)
    return (await (use === 'pair' ? check(token, verification) : verification)).payload
  })
}

const startFastJwt: Start = async (latchkey, keys, use) => {
  const { options, check } = fastJwtPair(latchkey, keys)
  const verify = createVerifier(options)
  return asFunction((token) => (use === 'pair' ? check(token, verify(token)) : verify(token)))
}

const startNestJwt: Start = async (latchkey, keys, use) => {
  const { options, check } = nestJwtPair(latchkey, keys)
  const service = new JwtService(options)
  return asFunction((token) => {
    const verification = service.verifyAsync(token)
    return use === 'pair' ? check(token, verification) : verification
  })
}

/**
 * Calls a server. `failure` returns the error of the last request, as the application received it.
 */
function asServer(port: number, failure: () => unknown, close: () => Promise<void>): Guard {
  return {
    verify: async (token) => {
      const headers = { authorization: `Bearer ${token}` }
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers })
      const { status } = response
      const challenge = response.headers.get('www-authenticate')
      if (!response.ok) return { status, challenge, error: failure() }
      return { status, challenge, claims: await response.json() }
    },
    close,
  }
}

async function listen(app: RequestListener): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, close }
}

/** Records the error of each request, and leaves the response to Express. */
async function startExpress(guard: (failed: (error: unknown) => void) => RequestHandler): Promise<Guard> {
  let failure: unknown
  const app = express()
  app.set('env', 'test')
  app.get(
    '/',
    guard((error) => (failure = error)),
    (req: JwtRequest, res) => void res.json(req.auth),
  )
  const record: ErrorRequestHandler = (error, _req, _res, next) => {
    failure = error
    next(error)
  }
  app.use(record)
  const { port, close } = await listen(app)
  return asServer(port, () => failure, close)
}

const startExpressJwt: Start = (latchkey, keys, use) => {
  const { isRevoked, ...key } = expressJwtPair(latchkey, keys).options
  return startExpress(() => expressjwt(use === 'pair' ? { ...key, isRevoked } : key))
}

const startPassportJwt: Start = (latchkey, keys, use) => {
  const { options, check } = passportJwtPair(latchkey, keys)
  const authenticator = new passport.Passport()
  const jwtFromRequest = ExtractJwt.fromAuthHeaderAsBearerToken()
  authenticator.use(
    new Strategy(
      { ...options, jwtFromRequest },
      use === 'pair' ? check((claims, done) => done(null, claims)) : (_req, claims, done) => done(null, claims),
    ),
  )
  return startExpress((failed) => (req, res, next) => {
    authenticator.authenticate('jwt', { session: false }, (error: unknown, user: unknown, info: unknown) => {
      if (error) return next(error)
      if (!user) {
        failed(info)
        return res.status(401).end()
      }
      Object.assign(req, { auth: user })
      next()
    })(req, res, next)
  })
}

const startFastifyJwt: Start = async (latchkey, keys, use) => {
  let failure: unknown
  const { trusted, ...key } = fastifyJwtPair(latchkey, keys).options
  const app = fastify()
  await app.register(fastifyJwt, use === 'pair' ? { ...key, trusted } : key)
  app.addHook('onError', async (_request, _reply, error) => {
    failure = error
  })
  app.get('/', { onRequest: (request) => request.jwtVerify() }, async (request) => request.user)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return asServer(
    (app.server.address() as AddressInfo).port,
    () => failure,
    () => app.close(),
  )
}

const startHonoJwt: Start = async (latchkey, keys, use) => {
  let failure: unknown
  const pair = honoJwtPair(latchkey, keys)
  const app = new Hono()
  app.use(async (c, next) => honoJwt(await pair.options(c))(c, use === 'pair' ? pair.check(c, next) : next))
  app.get('/', (c) => c.json(c.get('jwtPayload')))
  app.onError((error) => {
    failure = error
    if ('getResponse' in error) return (error.getResponse as () => Response)()
    throw error
  })
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve(
        asServer(
          port,
          () => failure,
          () => new Promise((closed) => server.close(() => closed())),
        ),
      ),
    )
  })
}

/** Every library by its name. */
export const libraries: readonly (readonly [name: string, start: Start])[] = [
  ['jsonwebtoken', startJsonwebtoken],
  ['jose', startJose],
  ['fast-jwt', startFastJwt],
  ['@nestjs/jwt', startNestJwt],
  ['express-jwt', startExpressJwt],
  ['passport-jwt', startPassportJwt],
  ['@fastify/jwt', startFastifyJwt],
  ['hono/jwt', startHonoJwt],
]
